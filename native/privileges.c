/*
 * Giving privileges up. Capabilities and no_new_privs belong to a thread (man 7 capabilities), and node has several
 * before our first line runs. So each is told by a signal to give them up itself, as the C library does for setuid(2).
 *
 * 1. this thread gives them up; what it starts from now on has none
 * 2. every other thread of /proc/self/task gets the signal, one after the other, and is waited for
 * 3. again, until a look finds no thread that is new: one that has not been told yet may have started another
 */
#include "privileges.h"
#include "args.h"
#include "error.h"
#include "value.h"

#include <dirent.h>
#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/*
 * The signal that the C library keeps for the same purpose (glibc: 33, musl: 34): the only kind that no thread blocks.
 * Node has one thread that blocks all others.
 */
#define SIGNAL (SIGRTMIN - 1)
/* Threads at a time; node has a dozen when it is called. */
#define MAX_THREADS 512
#define WAIT_STEP_NS 100000
#define WAIT_STEPS 50000

/* What the kernel has as `struct sigaction`: carried from one signal to another without looking at it. */
struct kernel_action {
  unsigned char octets[64];
};
#define KERNEL_SIGSET_LEN 8

static uint64_t kept;
/* 0: not answered yet; 1: done; else minus errno. */
static _Atomic int answer;

/* Bits of a set in the two halves of version 3. */
static uint64_t set_of(uint32_t low, uint32_t high) { return (uint64_t)high << 32 | low; }

/* 0 or an errno. Safe in a signal handler. */
static int give_up(void) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct data[2] = {0};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return errno;
  (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  if (syscall(SYS_capget, &header, data) != 0) return errno;
  const uint64_t permitted = set_of(data[0].permitted, data[1].permitted);
  /* Needs CAP_SETPCAP; without it no_new_privs has to do. */
  if (permitted >> CAP_SETPCAP & 1) {
    for (int cap = 0; cap < 64 && prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++) {
      if (!(kept >> cap & 1)) (void)prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
    }
  }
  const uint64_t inheritable = set_of(data[0].inheritable, data[1].inheritable);
  /* A service manager's filter may refuse capset(2) to who has nothing to give up. */
  if ((permitted & ~kept) == 0 && inheritable == 0) return 0;
  const uint64_t left = permitted & kept;
  for (int half = 0; half < 2; half++) {
    data[half].permitted = data[half].effective = (uint32_t)(left >> 32 * half);
    data[half].inheritable = 0;
  }
  if (syscall(SYS_capset, &header, data) == 0) return 0;
  return (permitted & ~kept) == 0 ? 0 : errno;
}

static void on_signal(int number) {
  (void)number;
  const int before = errno;
  const int err = give_up();
  atomic_store(&answer, err == 0 ? 1 : -err);
  errno = before;
}

static long raw_action(int number, const struct kernel_action *new_action, struct kernel_action *old_action) {
  return syscall(SYS_rt_sigaction, number, new_action, old_action, KERNEL_SIGSET_LEN);
}

/*
 * Installs the handler for SIGNAL, which sigaction(3) refuses: it is installed for a neighbour, with the return
 * trampoline that the C library adds, and what the kernel has then is copied over.
 */
static bool install(struct kernel_action *before) {
  struct sigaction mine = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
  struct sigaction neighbour;
  struct kernel_action ours;
  sigfillset(&mine.sa_mask);
  if (sigaction(SIGRTMIN, &mine, &neighbour) != 0) return false;
  const bool copied = raw_action(SIGRTMIN, NULL, &ours) == 0;
  (void)sigaction(SIGRTMIN, &neighbour, NULL);
  return copied && raw_action(SIGNAL, NULL, before) == 0 && raw_action(SIGNAL, &ours, NULL) == 0;
}

/* 0 where thread `tid` has given up its privileges, or has ended meanwhile; else an errno. */
static int tell(pid_t tid) {
  const struct timespec step = {.tv_nsec = WAIT_STEP_NS};
  atomic_store(&answer, 0);
  if (syscall(SYS_tgkill, getpid(), tid, SIGNAL) != 0) return errno == ESRCH ? 0 : errno;
  for (int i = 0; i < WAIT_STEPS; i++) {
    const int said = atomic_load(&answer);
    if (said != 0) return said == 1 ? 0 : -said;
    if (syscall(SYS_tgkill, getpid(), tid, 0) != 0 && errno == ESRCH) return 0;
    nanosleep(&step, NULL);
  }
  return ETIMEDOUT;
}

static bool holds(const pid_t *tids, int count, pid_t tid) {
  for (int i = 0; i < count; i++) {
    if (tids[i] == tid) return true;
  }
  return false;
}

/* Tells every thread that is not in `told` yet, and adds it. Returns 0 or an errno. */
static int tell_new(pid_t *told, int *count) {
  DIR *tasks = opendir("/proc/self/task");
  if (tasks == NULL) return errno;
  int err = 0;
  for (struct dirent *entry; err == 0 && (entry = readdir(tasks)) != NULL;) {
    const pid_t tid = (pid_t)atoi(entry->d_name);
    if (tid <= 0 || holds(told, *count, tid)) continue;
    if (*count == MAX_THREADS) err = E2BIG;
    else err = tell(tid);
    if (err == 0) told[(*count)++] = tid;
  }
  closedir(tasks);
  return err;
}

static int tell_all(void) {
  pid_t told[MAX_THREADS];
  int count = 0;
  told[count++] = (pid_t)syscall(SYS_gettid);
  for (int before = 0; before != count;) {
    before = count;
    const int err = tell_new(told, &count);
    if (err != 0) return err;
  }
  return 0;
}

/* keepCapabilities(mask): of all threads, at most the capabilities in `mask` (bits below 32); no_new_privs is set. */
napi_value keep_capabilities(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  uint32_t mask;
  struct kernel_action before;
  if (!read_args(env, info, 1, argv) || !read_u32(env, argv[0], "mask", &mask)) return NULL;
  kept = mask;
  int err = give_up();
  if (err != 0) return throw_errno(env, err, "capset", NULL);
  if (!install(&before)) return throw_errno(env, errno, "rt_sigaction", NULL);
  err = tell_all();
  (void)raw_action(SIGNAL, &before, NULL);
  return err == 0 ? make_undefined(env) : throw_errno(env, err, "capset", "in every thread");
}
