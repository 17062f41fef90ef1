/* The floor of supervising: starts N children with two pipes each, reads their output and
 * discards it, and does nothing else. It parses, counts and serves nothing, so the
 * difference to a supervisor is the cost of its features.
 *
 * usage: floor CLIENTS RATE COALESCE_MS BACKOFF_MS FAKE URL
 *
 * CLIENTS are started at RATE a second. Each pipe is read as soon as it is ready, or, with
 * COALESCE_MS above 0, all pipes are read together after a sleep of that length. A child
 * that ended is restarted after BACKOFF_MS. SIGTERM ends the program. The children end with
 * it, however it ends. It measures nothing: its CPU time is read from /proc.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS_MAX = 1024, READ_BYTES = 65536 };
enum kind { OUT, ERR, EXIT, STOP };

struct client {
  int pipes[2], pidfd;
  pid_t pid;
};

static struct client *clients;
static int count, poller, stop_fd, backoff_ms;
static const char *fake, *url;
/* Clients waiting for their restart, in the order of their times: the wait is the same for
 * all, so the first to end is the first to start. */
static struct { int client; int64_t due_ms; } *waiting;
static uint64_t waiting_first, waiting_end;

static int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static void die(const char *what) {
  perror(what);
  exit(1);
}

static void watch(int fd, enum kind kind, int client) {
  struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u64 = (uint64_t)client << 2 | kind};
  if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) != 0) die("epoll_ctl");
}

static void be_child(int out, int err, char *agent) {
  char *const arguments[] = {(char *)fake, "-progress", "pipe:1", "-user_agent", agent, "-i", (char *)url, NULL};
  sigset_t none;
  sigemptyset(&none);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  sigprocmask(SIG_SETMASK, &none, NULL);
  dup2(out, 1);
  dup2(err, 2);
  execv(fake, arguments);
  _exit(127);
}

static void start(int number) {
  struct client *client = &clients[number];
  int out[2], err[2];
  char agent[64];
  snprintf(agent, sizeof agent, "floor/client-%d", number);
  if (pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0) die("pipe2");
  fcntl(out[0], F_SETFL, O_NONBLOCK);
  fcntl(err[0], F_SETFL, O_NONBLOCK);
  client->pid = vfork();
  if (client->pid < 0) die("vfork");
  if (client->pid == 0) be_child(out[1], err[1], agent);
  close(out[1]);
  close(err[1]);
  client->pidfd = (int)syscall(SYS_pidfd_open, client->pid, 0);
  if (client->pidfd < 0) die("pidfd_open");
  client->pipes[0] = out[0];
  client->pipes[1] = err[0];
  watch(out[0], OUT, number);
  watch(err[0], ERR, number);
  watch(client->pidfd, EXIT, number);
}

static void discard(int fd) {
  static char bytes[READ_BYTES];
  while (read(fd, bytes, sizeof bytes) == sizeof bytes) {
  }
}

static void bury(int number) {
  struct client *client = &clients[number];
  waitpid(client->pid, NULL, 0);
  discard(client->pipes[0]);
  discard(client->pipes[1]);
  close(client->pipes[0]);
  close(client->pipes[1]);
  close(client->pidfd);
  client->pid = 0;
  waiting[waiting_end % (uint64_t)count].client = number;
  waiting[waiting_end++ % (uint64_t)count].due_ms = now_ms() + backoff_ms;
}

static void stop_all(void) {
  for (int number = 0; number < count; number++)
    if (clients[number].pid > 0) kill(clients[number].pid, SIGTERM);
  while (wait(NULL) > 0) {
  }
  exit(0);
}

static void handle(uint64_t data) {
  const int number = (int)(data >> 2);
  switch ((enum kind)(data & 3)) {
    case STOP: stop_all(); break;
    case EXIT: bury(number); break;
    case OUT: if (clients[number].pid) discard(clients[number].pipes[0]); break;
    case ERR: if (clients[number].pid) discard(clients[number].pipes[1]); break;
  }
}

int main(int argc, char **argv) {
  if (argc != 7) return fprintf(stderr, "usage: floor CLIENTS RATE COALESCE_MS BACKOFF_MS FAKE URL\n"), 2;
  const int rate = atoi(argv[2]), coalesce_ms = atoi(argv[3]);
  struct epoll_event events[EVENTS_MAX];
  sigset_t stops;
  count = atoi(argv[1]), backoff_ms = atoi(argv[4]), fake = argv[5], url = argv[6];
  clients = calloc((size_t)count, sizeof *clients);
  waiting = calloc((size_t)count, sizeof *waiting);
  sigemptyset(&stops);
  sigaddset(&stops, SIGTERM);
  sigprocmask(SIG_BLOCK, &stops, NULL);
  stop_fd = signalfd(-1, &stops, SFD_CLOEXEC);
  poller = epoll_create1(EPOLL_CLOEXEC);
  watch(stop_fd, STOP, 0);
  const int64_t begin_ms = now_ms();
  for (int64_t started = 0;;) {
    int64_t now = now_ms(), wait_ms = -1;
    while (started < count && started * 1000 / rate <= now - begin_ms) start((int)started++);
    while (waiting_first < waiting_end && waiting[waiting_first % (uint64_t)count].due_ms <= now)
      start(waiting[waiting_first++ % (uint64_t)count].client);
    if (waiting_first < waiting_end) wait_ms = waiting[waiting_first % (uint64_t)count].due_ms - now;
    if (started < count && (wait_ms < 0 || wait_ms > 2)) wait_ms = 2;
    int ready = epoll_wait(poller, events, EVENTS_MAX, (int)wait_ms);
    for (int i = 0; i < ready; i++) handle(events[i].data.u64);
    if (coalesce_ms > 0 && ready > 0) poll(NULL, 0, coalesce_ms);
  }
}
