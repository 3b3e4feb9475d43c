/** Values for `${NAME}`, usually `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

export type Substitution =
  | { readonly ok: true; readonly value: string }
  | {
      readonly ok: false;
      readonly fault: 'missing' | 'bad_name';
      readonly name: string;
      readonly offset: number;
    };

const REFERENCE = /\$\$\{|\$\{([^}]*)\}?/g;

/** Whether a text holds anything to replace. */
export function hasReference(text: string): boolean {
  return text.includes('${');
}

/** Replaces each `${NAME}`; `$${` stands for a plain `${`. Reports the first that cannot be replaced. */
export function substitute(text: string, environment: Environment): Substitution {
  const failed: Substitution[] = [];
  const value = text.replace(REFERENCE, (whole, name: string | undefined, offset: number) => {
    if (name === undefined) return '${';
    const good = /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && whole.endsWith('}');
    const found = good ? environment[name] : undefined;
    if (found !== undefined) return found;
    failed.push({ ok: false, fault: good ? 'missing' : 'bad_name', name, offset });
    return '';
  });
  return failed[0] ?? { ok: true, value };
}
