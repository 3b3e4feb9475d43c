/*
 * Paced two-way RTP for the relay benchmark: one socket per side, all packets made beforehand, sent and read
 * in batches, and delays taken from the kernel's receive time stamps, so that it costs a fraction of what any
 * relay costs. Linux only.
 *
 * stdin:  streams N, then N lines "SIDE PORT" (send from socket SIDE to 127.0.0.1:PORT);
 *         run RUN SECONDS WARMUP_SECONDS; end of input ends it.
 * stdout: "ports P0 P1" at the start; one JSON object per run.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PACKET = 172, HEADER = 12, BATCH = 16, READ_BATCH = 64, SLOT_NS = 200000, MAX_STREAMS = 40000 };
enum { FINE = 20000, COARSE = 10000, BUCKETS = FINE + COARSE };
#define FRAME_NS 20000000.0
#define MAGIC 0x52656c76u

struct stamp { uint32_t magic, run, stream, measured; uint64_t sent_ns; };
struct stream { struct sockaddr_in to; int side; uint32_t ssrc, timestamp; uint16_t sequence; };

static struct stream streams[MAX_STREAMS];
static int stream_count, sockets[2];
/* 1 microsecond up to 20 ms, then 100 microseconds up to 1 s. */
static uint32_t delays[BUCKETS];
static uint64_t received, max_delay_ns;

static uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static double cpu_ms(void) {
  struct rusage u;
  getrusage(RUSAGE_SELF, &u);
  return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e3 + (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e3;
}

static int open_socket(void) {
  int fd = socket(AF_INET, SOCK_DGRAM, 0), size = 8 << 20, on = 1;
  struct sockaddr_in any = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
  setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
  if (fd < 0 || bind(fd, (struct sockaddr *)&any, sizeof any) != 0) {
    perror("bind");
    exit(1);
  }
  return fd;
}

static int port_of(int fd) {
  struct sockaddr_in a;
  socklen_t length = sizeof a;
  getsockname(fd, (struct sockaddr *)&a, &length);
  return ntohs(a.sin_port);
}

static void book(uint64_t delay_ns) {
  uint64_t us = delay_ns / 1000;
  uint64_t bucket = us < FINE ? us : FINE + us / 100;
  delays[bucket < BUCKETS ? bucket : BUCKETS - 1]++;
  if (delay_ns > max_delay_ns) max_delay_ns = delay_ns;
}

static double percentile_us(double share) {
  uint64_t seen = 0;
  for (int i = 0; i < BUCKETS; i++) {
    seen += delays[i];
    if (seen >= share * received && seen > 0) return i < FINE ? i : (i - FINE) * 100.0;
  }
  return 0;
}

static void drain(int fd, uint32_t run) {
  static uint8_t data[READ_BATCH][256];
  static char control[READ_BATCH][64];
  struct mmsghdr messages[READ_BATCH];
  struct iovec parts[READ_BATCH];
  int count;
  do {
    for (int i = 0; i < READ_BATCH; i++) {
      parts[i] = (struct iovec){ data[i], sizeof data[i] };
      messages[i].msg_hdr = (struct msghdr){ .msg_iov = &parts[i], .msg_iovlen = 1,
        .msg_control = control[i], .msg_controllen = sizeof control[i] };
    }
    count = recvmmsg(fd, messages, READ_BATCH, MSG_DONTWAIT, NULL);
    for (int i = 0; i < count; i++) {
      struct stamp stamp;
      struct cmsghdr *c = CMSG_FIRSTHDR(&messages[i].msg_hdr);
      if (messages[i].msg_len != PACKET || !c || c->cmsg_type != SCM_TIMESTAMPNS) continue;
      memcpy(&stamp, data[i] + HEADER, sizeof stamp);
      if (stamp.magic != MAGIC || stamp.run != run || !stamp.measured) continue;
      struct timespec at;
      memcpy(&at, CMSG_DATA(c), sizeof at);
      uint64_t at_ns = (uint64_t)at.tv_sec * 1000000000u + (uint64_t)at.tv_nsec;
      received++;
      book(at_ns > stamp.sent_ns ? at_ns - stamp.sent_ns : 0);
    }
  } while (count == READ_BATCH);
}

/* Sends the packets `from` to `to` of the whole run's order; returns how many the kernel took. */
static uint64_t send_range(uint64_t from, uint64_t to, uint32_t run, uint32_t measured) {
  static uint8_t data[2][BATCH][PACKET];
  struct mmsghdr messages[2][BATCH];
  struct iovec parts[2][BATCH];
  uint64_t taken = 0;
  while (from < to) {
    int filled[2] = { 0, 0 };
    uint64_t sent_ns = now_ns();
    while (from < to && filled[0] < BATCH && filled[1] < BATCH) {
      uint32_t index = (uint32_t)(from++ % (uint64_t)stream_count);
      struct stream *s = &streams[index];
      int n = filled[s->side]++;
      uint8_t *p = data[s->side][n];
      uint16_t sequence = htons(s->sequence++);
      uint32_t timestamp = htonl(s->timestamp), ssrc = htonl(s->ssrc);
      struct stamp stamp = { MAGIC, run, index, measured, sent_ns };
      s->timestamp += 160;
      p[0] = 0x80;
      p[1] = 8;
      memcpy(p + 2, &sequence, 2);
      memcpy(p + 4, &timestamp, 4);
      memcpy(p + 8, &ssrc, 4);
      memcpy(p + HEADER, &stamp, sizeof stamp);
      memset(p + HEADER + sizeof stamp, 0xd5, PACKET - HEADER - sizeof stamp);
      parts[s->side][n] = (struct iovec){ p, PACKET };
      messages[s->side][n].msg_hdr = (struct msghdr){ .msg_name = &s->to, .msg_namelen = sizeof s->to,
        .msg_iov = &parts[s->side][n], .msg_iovlen = 1 };
    }
    for (int side = 0; side < 2; side++) {
      int done = 0;
      while (done < filled[side]) {
        int n = sendmmsg(sockets[side], messages[side] + done, filled[side] - done, 0);
        if (n <= 0) break;
        done += n;
      }
      taken += (uint64_t)done;
    }
  }
  return taken;
}

static void run(uint32_t id, double seconds, double warmup) {
  uint64_t sent = 0, refused = 0, next = 0, late_slots = 0, max_late_ns = 0;
  memset(delays, 0, sizeof delays);
  received = max_delay_ns = 0;
  double cpu = 0;
  uint64_t start = now_ns(), measure_from = start + (uint64_t)(warmup * 1e9);
  uint64_t stop = measure_from + (uint64_t)(seconds * 1e9), last = start;
  int measured = 0;
  for (;;) {
    uint64_t now = now_ns();
    if (now >= stop) break;
    if (!measured && now >= measure_from) {
      measured = 1;
      cpu = cpu_ms();
    }
    uint64_t due = (uint64_t)((double)(now - start) / FRAME_NS * stream_count);
    if (measured && now - last > 5000000) late_slots++;
    if (measured && now - last > max_late_ns) max_late_ns = now - last;
    last = now;
    uint64_t taken = send_range(next, due, id, (uint32_t)measured);
    if (measured) {
      sent += taken;
      refused += due - next - taken;
    }
    next = due;
    drain(sockets[0], id);
    drain(sockets[1], id);
    uint64_t spent = now_ns() - now;
    if (spent < SLOT_NS) {
      struct timespec rest = { 0, (long)(SLOT_NS - spent) };
      nanosleep(&rest, NULL);
    }
  }
  cpu = cpu_ms() - cpu;
  for (int i = 0; i < 200 && received < sent; i++) {
    struct timespec rest = { 0, 10000000 };
    nanosleep(&rest, NULL);
    drain(sockets[0], id);
    drain(sockets[1], id);
  }
  printf("{\"sent\":%llu,\"received\":%llu,\"refused\":%llu,\"p50Us\":%.0f,\"p99Us\":%.0f,\"p999Us\":%.0f,\"maxUs\":%.0f,"
    "\"cpuMs\":%.1f,\"stalls\":%llu,\"longestStallMs\":%.2f}\n",
    (unsigned long long)sent, (unsigned long long)received, (unsigned long long)refused, percentile_us(0.5),
    percentile_us(0.99), percentile_us(0.999), max_delay_ns / 1e3, cpu, (unsigned long long)late_slots, max_late_ns / 1e6);
  fflush(stdout);
}

int main(void) {
  char line[128];
  sockets[0] = open_socket();
  sockets[1] = open_socket();
  printf("ports %d %d\n", port_of(sockets[0]), port_of(sockets[1]));
  fflush(stdout);
  while (fgets(line, sizeof line, stdin)) {
    int count, side, port;
    uint32_t id;
    double seconds, warmup;
    if (sscanf(line, "streams %d", &count) == 1) {
      if (count < 1 || count > MAX_STREAMS) return 1;
      for (int i = 0; i < count && fgets(line, sizeof line, stdin); i++) {
        if (sscanf(line, "%d %d", &side, &port) != 2) return 1;
        if (i >= stream_count) streams[i] = (struct stream){ .ssrc = 0x10000u + (uint32_t)i };
        streams[i].side = side & 1;
        streams[i].to = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)port),
          .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
      }
      stream_count = count;
    } else if (sscanf(line, "run %u %lf %lf", &id, &seconds, &warmup) == 3 && stream_count > 0) {
      run(id, seconds, warmup);
    }
  }
  return 0;
}
