/**
 * System calls that what runs in a container may make; every other one is refused with EPERM. As the documented default of
 * Docker (https://docs.docker.com/engine/security/seccomp/): what is left out reaches beyond a container (kernel modules, clocks,
 * keys, BPF, io_uring, tracing of the whole machine, namespaces and mounts), or has no more use. Of the machine's own
 * architecture alone: what was built for another one does not run.
 */
export const allowed = (
  "accept accept4 access adjtimex alarm arch_prctl bind brk capget capset chdir chmod chown chroot clock_adjtime " +
  "clock_getres clock_gettime clock_nanosleep close close_range connect copy_file_range creat dup dup2 dup3 " +
  "epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd " +
  "eventfd2 execve execveat exit exit_group faccessat faccessat2 fadvise64 fallocate fanotify_mark fchdir fchmod " +
  "fchmodat fchown fchownat fcntl fdatasync fgetxattr flistxattr flock fork fremovexattr fsetxattr fstat fstatfs " +
  "fsync ftruncate futex futex_waitv futimesat get_mempolicy get_robust_list getcpu getcwd getdents getdents64 " +
  "getegid geteuid getgid getgroups getitimer getpeername getpgid getpgrp getpid getppid getpriority getrandom " +
  "getresgid getresuid getrlimit getrusage getsid getsockname getsockopt gettid gettimeofday getuid getxattr " +
  "inotify_add_watch inotify_init inotify_init1 inotify_rm_watch io_cancel io_destroy io_getevents io_setup " +
  "io_submit ioctl ioprio_get ioprio_set kill landlock_add_rule landlock_create_ruleset landlock_restrict_self " +
  "lchown lgetxattr link linkat listen listxattr llistxattr lremovexattr lseek lsetxattr lstat madvise mbind " +
  "membarrier memfd_create memfd_secret mincore mkdir mkdirat mknod mknodat mlock mlock2 mlockall mmap mprotect " +
  "mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedsend mq_unlink mremap msgctl msgget msgrcv msgsnd msync " +
  "munlock munlockall munmap name_to_handle_at nanosleep newfstatat open openat openat2 pause pidfd_getfd " +
  "pidfd_open pidfd_send_signal pipe pipe2 pkey_alloc pkey_free pkey_mprotect poll ppoll prctl pread64 preadv " +
  "preadv2 prlimit64 process_madvise process_mrelease process_vm_readv process_vm_writev pselect6 ptrace pwrite64 " +
  "pwritev pwritev2 read readahead readlink readlinkat readv recvfrom recvmmsg recvmsg remap_file_pages removexattr " +
  "rename renameat renameat2 restart_syscall rmdir rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo " +
  "rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_tgsigqueueinfo sched_get_priority_max sched_get_priority_min " +
  "sched_getaffinity sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval sched_setaffinity " +
  "sched_setattr sched_setparam sched_setscheduler sched_yield seccomp select semctl semget semop semtimedop " +
  "sendfile sendmmsg sendmsg sendto set_mempolicy set_mempolicy_home_node set_robust_list set_tid_address setfsgid " +
  "setfsuid setgid setgroups setitimer setpgid setpriority setregid setresgid setresuid setreuid setrlimit setsid " +
  "setsockopt setuid setxattr shmat shmctl shmdt shmget shutdown sigaltstack signalfd signalfd4 socketpair splice " +
  "stat statfs statx symlink symlinkat sync sync_file_range syncfs sysinfo tee tgkill time timer_create " +
  "timer_delete timer_getoverrun timer_gettime timer_settime timerfd_create timerfd_gettime timerfd_settime times " +
  "tkill truncate umask uname unlink unlinkat utime utimensat utimes vfork wait4 waitid write writev"
).split(" ");

/** An init also mounts, names its machine, and makes namespaces for what it starts: all of that in the user namespace that it is in. */
const allowedToInit = (
  "add_key clone clone3 fanotify_init fsconfig fsmount fsopen fspick kcmp keyctl mount mount_setattr move_mount " +
  "open_by_handle_at open_tree pivot_root quotactl_fd reboot request_key setdomainname sethostname setns syslog " +
  "umount2 unshare vhangup"
).split(" ");

/** Flags of clone(2) that make namespaces. */
export const namespaceFlags = 0x7e020000;
const addressFamilyVsock = 40;
/** What personality(2) may be told: Linux, 32-bit Linux, either as old release, and to tell which it is. */
export const personalities = [0x0, 0x8, 0x20000, 0x20008, 0xffffffff];
const notThere = 38;

/** As the "seccomp" of an OCI config. */
export function seccompFor(kind: "container" | "system"): object {
  const allow = "SCMP_ACT_ALLOW";
  const onlyIf = (name: string, index: number, op: string, value: number, valueTwo = 0) => ({
    names: [name],
    action: allow,
    args: [{ index, value, valueTwo, op: `SCMP_CMP_${op}` }],
  });
  return {
    defaultAction: "SCMP_ACT_ERRNO",
    defaultErrnoRet: 1,
    syscalls: [
      { names: kind === "system" ? [...allowed, ...allowedToInit] : allowed, action: allow },
      ...personalities.map((value) => onlyIf("personality", 0, "EQ", value)),
      onlyIf("socket", 0, "NE", addressFamilyVsock),
      ...(kind === "system"
        ? []
        : [
            onlyIf("clone", 0, "MASKED_EQ", namespaceFlags, 0),
            // Its flags are in memory, where no filter sees them; C libraries fall back to clone.
            { names: ["clone3"], action: "SCMP_ACT_ERRNO", errnoRet: notThere },
          ]),
    ],
  };
}
