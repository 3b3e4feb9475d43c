/**
 * Calls `act` at a steady rate, corrected for drift, and resolves after the last with the longest time that
 * this process was kept from running (ms).
 */
export function pacedLoop(perSecond: number, count: number, act: (index: number) => void): Promise<number> {
  const startedAt = performance.now();
  let done = 0;
  let lastAt = startedAt;
  let longestStallMs = 0;
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      const now = performance.now();
      longestStallMs = Math.max(longestStallMs, now - lastAt);
      lastAt = now;
      const due = Math.min(count, Math.floor(((now - startedAt) / 1000) * perSecond));
      while (done < due) act(done++);
      if (done < count) return;
      clearInterval(timer);
      resolve(longestStallMs);
    }, 2);
  });
}
