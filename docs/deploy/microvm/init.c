/*
 * Process 1 of a virtual machine that runs only the swarm: prepares the kernel and the
 * network, runs /bin/ffmpeg-hls-swarm, and powers off when it ends.
 *
 * The settings of the swarm are on the kernel's command line. The kernel passes words
 * like CLIENTS=50 to process 1 as its environment and the words after `--` as its
 * arguments (Documentation/admin-guide/kernel-parameters.rst), and this program passes
 * both to the swarm. It reads two words itself:
 *
 *   ip=ADDRESS::GATEWAY:NETMASK::DEVICE:off:DNS   as the kernel's own ip=
 *   reboot=k      the machine ends with a reset, as Firecracker requires
 *
 * Stops the swarm with SIGTERM on the power button and on Ctrl-Alt-Del, and prints on
 * the console why the machine ends.
 * Has no DHCP, no IPv6 and no disk. Build it with: cc -Os -static -o init init.c
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/input.h>
#include <net/if.h>
#include <net/route.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define PROGRAM "/bin/ffmpeg-hls-swarm"

/* Names of modules, one per line, in the order of loading. */
#define MODULES "/lib/modules/load"

/* User and group of the swarm, as in /etc/passwd. */
#define USER 65532

/* Descriptors per process: 3 per client, for a third of a million clients. */
#define DESCRIPTORS 1048576

/* Maximum number of input devices; a machine of this kind has three. */
#define INPUTS_MAX 16

/* The prefix distinguishes these lines from those of the swarm. */
#define say(...) (printf("init: " __VA_ARGS__), putchar('\n'), fflush(stdout))

static void write_file(const char *path, const char *text) {
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (fd < 0 || write(fd, text, strlen(text)) < 0) say("%s: %s", path, strerror(errno));
  if (fd >= 0) close(fd);
}

static void mount_on(const char *type, const char *folder) {
  mkdir(folder, 0755);
  /* Some kernels mount /dev themselves. */
  if (mount(type, folder, type, MS_NOSUID, NULL) && errno != EBUSY)
    say("%s: %s", folder, strerror(errno));
}

static void load_modules(void) {
  char name[128], path[192];
  FILE *names = fopen(MODULES, "r");
  if (!names) return; /* All modules are built into this kernel. */
  while (fscanf(names, "%127s", name) == 1) {
    snprintf(path, sizeof path, "/lib/modules/%s", name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || (syscall(SYS_finit_module, fd, "", 0) && errno != EEXIST))
      say("module %s: %s", name, strerror(errno));
    if (fd >= 0) close(fd);
  }
  fclose(names);
}

/* Raises limits that are too low for thousands of clients. */
static void set_limits(void) {
  static const char *const settings[][2] = {
    {"/proc/sys/fs/nr_open", "1048576"},
    {"/proc/sys/fs/file-max", "16777216"},
    {"/proc/sys/fs/pipe-user-pages-soft", "0"},
    {"/proc/sys/kernel/pid_max", "4194304"},
    {"/proc/sys/kernel/threads-max", "1000000"},
    {"/proc/sys/net/ipv4/ip_local_port_range", "1024 65535"},
    {"/proc/sys/net/ipv4/tcp_tw_reuse", "1"},
  };
  for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
    write_file(settings[i][0], settings[i][1]);
  /* The swarm raises its own soft limit; FFmpeg keeps the usual one. */
  struct rlimit descriptors = {1024, DESCRIPTORS}, processes = {RLIM_INFINITY, RLIM_INFINITY};
  if (setrlimit(RLIMIT_NOFILE, &descriptors)) say("descriptors: %s", strerror(errno));
  if (setrlimit(RLIMIT_NPROC, &processes)) say("processes: %s", strerror(errno));
}

/* Returns the value of a word NAME=value of the kernel's command line, or NULL. */
static char *boot_word(const char *name) {
  static char line[4096];
  FILE *file = fopen("/proc/cmdline", "r");
  size_t length = file ? fread(line, 1, sizeof line - 1, file) : 0;
  if (file) fclose(file);
  line[length] = 0;
  for (char *word = strtok(line, " \n"); word && strcmp(word, "--"); word = strtok(NULL, " \n"))
    if (!strncmp(word, name, strlen(name))) return word + strlen(name);
  return NULL;
}

static void set_address(struct sockaddr *where, const char *text) {
  struct sockaddr_in address = {.sin_family = AF_INET};
  if (inet_pton(AF_INET, text, &address.sin_addr) != 1) say("ip=: %s is not an address", text);
  memcpy(where, &address, sizeof address);
}

static void configure(int fd, unsigned long request, void *with, const char *what) {
  /* A kernel that reads ip= itself has already done this. */
  if (ioctl(fd, request, with) && errno != EEXIST) say("%s: %s", what, strerror(errno));
}

static void bring_up(int fd, const char *device) {
  struct ifreq one = {0};
  snprintf(one.ifr_name, IFNAMSIZ, "%s", device);
  one.ifr_flags = IFF_UP;
  configure(fd, SIOCSIFFLAGS, &one, device);
}

static void start_network(void) {
  enum { ADDRESS, SERVER, GATEWAY, NETMASK, HOST, DEVICE, METHOD, DNS, FIELDS };
  char *field[FIELDS] = {0}, *rest = boot_word("ip=");
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  bring_up(fd, "lo");
  for (int i = 0; i < FIELDS && rest; i++) field[i] = strsep(&rest, ":");
  for (int i = 0; i < FIELDS; i++)
    if (!field[i]) field[i] = "";
  if (!*field[ADDRESS]) {
    say("no ip= on the command line: the network is not configured");
    return;
  }
  const char *device = *field[DEVICE] ? field[DEVICE] : "eth0";
  struct ifreq one = {0};
  snprintf(one.ifr_name, IFNAMSIZ, "%s", device);
  set_address(&one.ifr_addr, field[ADDRESS]);
  configure(fd, SIOCSIFADDR, &one, device);
  set_address(&one.ifr_netmask, *field[NETMASK] ? field[NETMASK] : "255.255.255.0");
  configure(fd, SIOCSIFNETMASK, &one, "netmask");
  bring_up(fd, device);
  if (*field[GATEWAY]) {
    struct rtentry route = {.rt_flags = RTF_UP | RTF_GATEWAY};
    set_address(&route.rt_dst, "0.0.0.0");
    set_address(&route.rt_genmask, "0.0.0.0");
    set_address(&route.rt_gateway, field[GATEWAY]);
    configure(fd, SIOCADDRT, &route, "gateway");
  }
  close(fd);
  if (*field[DNS]) {
    char line[64];
    snprintf(line, sizeof line, "nameserver %.40s\n", field[DNS]);
    write_file("/etc/resolv.conf", line);
  }
}

static pid_t start_swarm(char **arguments, const sigset_t *usual) {
  pid_t swarm = fork();
  if (swarm) return swarm;
  sigprocmask(SIG_SETMASK, usual, NULL);
  arguments[0] = PROGRAM;
  setsid();
  if (fchown(0, USER, USER) || setgroups(0, NULL) || setgid(USER) || setuid(USER))
    say("user %d: %s", USER, strerror(errno));
  else
    execv(PROGRAM, arguments);
  say("%s: %s", PROGRAM, strerror(errno));
  _exit(127);
}

/* Opens the devices that may have a power button and appends them to `polled`. */
static nfds_t listen_to_buttons(struct pollfd *polled) {
  nfds_t count = 1;
  DIR *folder = opendir("/dev/input");
  for (struct dirent *entry; folder && count <= INPUTS_MAX && (entry = readdir(folder));) {
    char path[300];
    snprintf(path, sizeof path, "/dev/input/%s", entry->d_name);
    int fd = strncmp(entry->d_name, "event", 5) ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) polled[count++] = (struct pollfd){.fd = fd, .events = POLLIN};
  }
  if (folder) closedir(folder);
  return count;
}

/* Returns whether the power button was pressed; stops polling a removed device. */
static int is_power_button(struct pollfd *device) {
  struct input_event event;
  if (!device->revents) return 0;
  if (read(device->fd, &event, sizeof event) != sizeof event) {
    device->fd = -1;
    return 0;
  }
  return event.type == EV_KEY && event.code == KEY_POWER && event.value == 1;
}

/* Prints the signal that killed the swarm and returns the exit code. */
static int killed_by(int number) {
  say("the swarm was killed by signal %d (%s)%s", number, strsignal(number),
      number == SIGKILL ? "; if the kernel ran out of memory, give this machine more" : "");
  return 128 + number;
}

/* Reaps ended processes; returns the exit code of the swarm if it ended, else -1. */
static int reap(pid_t swarm) {
  int status, code = -1;
  for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
    if (pid == swarm) code = WIFSIGNALED(status) ? killed_by(WTERMSIG(status)) : WEXITSTATUS(status);
  return code;
}

/* Waits for the end of the swarm, and stops it when the machine is to end. */
static int watch(pid_t swarm, int signals) {
  struct pollfd polled[1 + INPUTS_MAX] = {{.fd = signals, .events = POLLIN}};
  nfds_t count = listen_to_buttons(polled);
  for (;;) {
    if (poll(polled, count, -1) < 0) continue;
    for (nfds_t i = 1; i < count; i++)
      if (is_power_button(&polled[i])) {
        say("the power button was pressed");
        kill(swarm, SIGTERM);
      }
    struct signalfd_siginfo signal;
    if (!polled[0].revents || read(signals, &signal, sizeof signal) != sizeof signal) continue;
    int code = reap(swarm);
    if (code >= 0) return code;
    if (signal.ssi_signo == SIGCHLD) continue;
    if (signal.ssi_signo == SIGINT) say("Ctrl-Alt-Del was pressed");
    else say("process 1 received SIGTERM");
    kill(swarm, SIGTERM);
  }
}

int main(int count, char **arguments) {
  sigset_t awaited, usual;
  sigemptyset(&awaited);
  sigaddset(&awaited, SIGCHLD);
  sigaddset(&awaited, SIGINT);
  sigaddset(&awaited, SIGTERM);
  sigprocmask(SIG_BLOCK, &awaited, &usual);
  (void)count;
  mount_on("proc", "/proc");
  mount_on("sysfs", "/sys");
  mount_on("devtmpfs", "/dev");
  /* Ctrl-Alt-Del then sends SIGINT to process 1 instead of resetting the machine. */
  reboot(RB_DISABLE_CAD);
  load_modules();
  set_limits();
  start_network();
  pid_t swarm = start_swarm(arguments, &usual);
  /* If fork failed there is nothing to watch, and kill(-1) would signal all processes. */
  int code = swarm < 0 ? 127 : watch(swarm, signalfd(-1, &awaited, SFD_CLOEXEC));
  say("exit code %d", code);
  sync();
  /* Output not yet written to the console would be lost. */
  tcdrain(STDOUT_FILENO);
  char *how = boot_word("reboot=");
  reboot(how && *how == 'k' ? RB_AUTOBOOT : RB_POWER_OFF);
  for (;;) pause(); /* The machine could not be ended; process 1 must not return. */
}
