"""System calls of Linux by name, and what a schedule at work needs of them.

The numbers are those of ``asm/unistd_64.h`` (x86_64) and ``asm-generic/unistd.h`` (aarch64), which the kernel never
changes; see syscalls(2). Each entry is ``name:x86_64:aarch64``, with ``-`` where that machine has no such call.
"""

from __future__ import annotations

MACHINES = {"x86_64": 0, "aarch64": 1}
"""The machines whose calls are known, and their column."""


def numbers(text: str, machine: str) -> dict[str, int]:
    """Name -> number of the calls in a table, on that machine."""
    found = {}
    for entry in text.split():
        name, *columns = entry.split(":")
        number = columns[MACHINES[machine]]
        if number != "-":
            found[name] = int(number)
    return found


HARMLESS = """
read:0:63 readv:19:65 pread64:17:67 close:3:57 fstat:5:80 newfstatat:262:79 stat:4:- lstat:6:- lseek:8:62
mmap:9:222 mprotect:10:226 munmap:11:215 mremap:25:216 brk:12:214 madvise:28:233 rt_sigaction:13:134
rt_sigprocmask:14:135 rt_sigreturn:15:139 sigaltstack:131:132 futex:202:98 sched_yield:24:124
sched_getaffinity:204:123 getpid:39:172 gettid:186:178 getppid:110:173 getuid:102:174 geteuid:107:175
getgid:104:176 getegid:108:177 getrandom:318:278 clock_gettime:228:113 clock_getres:229:114
clock_nanosleep:230:115 nanosleep:35:101 gettimeofday:96:169 time:201:- getrusage:98:165 times:100:153
exit:60:93 exit_group:231:94 getcwd:79:17 readlink:89:- readlinkat:267:78 access:21:- faccessat:269:48
getdents64:217:61 uname:63:160 sysinfo:99:179 getrlimit:97:163 restart_syscall:219:128 set_robust_list:273:99
get_robust_list:274:100 arch_prctl:158:- membarrier:324:283 mincore:27:232 sched_getparam:143:121
sched_getscheduler:145:120 set_tid_address:218:96 getcpu:309:168 rseq:334:293
poll:7:- ppoll:271:73 select:23:- pselect6:270:72 setitimer:38:103
"""
"""Reading, computing, memory, time, waiting (Python 3.10 sleeps in select). What may be opened is Landlock's."""

LOOKED_AT = """
write:1:64 open:2:- openat:257:56 clone:56:220 tgkill:234:131 ioctl:16:29 fcntl:72:25 prlimit64:302:261
prctl:157:167
"""
"""Harmless or not by their arguments."""

NEWER = "clone3:435:435 openat2:437:437 statx:332:291 faccessat2:439:439 epoll_pwait2:441:441"
"""A filter cannot see into these; the C library uses the older call where it is told that there is no such one."""

OF_DEVICES = """
pipe2:293:59 eventfd2:290:19 dup:32:23 memfd_create:319:279 sched_setaffinity:203:122
mbind:237:235 set_mempolicy:238:237 get_mempolicy:239:236 mlock:149:228 munlock:150:229 mlock2:325:284
epoll_create1:291:20 epoll_ctl:233:21 epoll_wait:232:- epoll_pwait:281:22 sched_setscheduler:144:119
"""
"""What the driver of a GPU needs besides."""

REACHING_OUT = """
execve:59:221 execveat:322:281 fork:57:- vfork:58:- ptrace:101:117 process_vm_readv:310:270
process_vm_writev:311:271 socket:41:198 socketpair:53:199 connect:42:203 bind:49:200 listen:50:201 accept:43:202
accept4:288:242 sendto:44:206 sendmsg:46:211 sendmmsg:307:269 kill:62:129 tkill:200:130 rt_sigqueueinfo:129:138
rt_tgsigqueueinfo:297:240 pidfd_open:434:434 pidfd_getfd:438:438 pidfd_send_signal:424:424 creat:85:- mkdir:83:-
mkdirat:258:34 mknod:133:- mknodat:259:33 unlink:87:- unlinkat:263:35 rmdir:84:- rename:82:- renameat:264:38
renameat2:316:276 link:86:- linkat:265:37 symlink:88:- symlinkat:266:36 truncate:76:45 ftruncate:77:46
fallocate:285:47 chmod:90:- fchmod:91:52 fchmodat:268:53 fchmodat2:452:452 chown:92:- fchown:93:55 lchown:94:-
fchownat:260:54 utime:132:- utimes:235:- utimensat:280:88 futimesat:261:- setxattr:188:5 lsetxattr:189:6 fsetxattr:190:7
removexattr:197:14 lremovexattr:198:15 fremovexattr:199:16 mount:165:40 umount2:166:39 pivot_root:155:41
chroot:161:51 unshare:272:97 setns:308:268 open_by_handle_at:304:265 move_mount:429:429 open_tree:428:428
fsopen:430:430 fsmount:432:432 fsconfig:431:431 fspick:433:433 mount_setattr:442:442 io_uring_setup:425:425
io_uring_enter:426:426 io_uring_register:427:427 io_setup:206:0 userfaultfd:323:282 perf_event_open:298:241
bpf:321:280 keyctl:250:219 add_key:248:217 request_key:249:218 shmget:29:194 shmat:30:196 shmctl:31:195
semget:64:190 semop:65:193 msgget:68:186 msgsnd:69:189 mq_open:240:180 mq_unlink:241:181 process_madvise:440:440
init_module:175:105 finit_module:313:273 delete_module:176:106 kexec_load:246:104 kexec_file_load:320:294
reboot:169:142 swapon:167:224 swapoff:168:225 settimeofday:164:170 clock_settime:227:112 adjtimex:159:171
clock_adjtime:305:266 sethostname:170:161 setdomainname:171:162 personality:135:92 iopl:172:- ioperm:173:-
quotactl:179:60 acct:163:89 syslog:103:116 fanotify_init:300:262
"""
"""What no schedule does by accident: it ends the process. All that stands in no table is answered with EPERM."""
