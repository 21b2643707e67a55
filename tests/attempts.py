"""Attempts of a schedule to reach outside of its process, with harmless effects: a mark in a temporary folder, a
connection to the local host, a variable read.

Each is the body of a function that has ``os``, ``sys`` and the like, the folder, a file in it, and the port of a
listening socket. ``planted`` makes a schedule of one that any user might have written; ``forced`` one that has got past
every check of its text, and comes by modules in ways that Python cannot close.
"""

from __future__ import annotations

import textwrap

_C = "sys.modules['ctypes'].CDLL(None)"
FILES = {
    "writing a file": "os.open(folder + '/mark', os.O_WRONLY | os.O_CREAT)",
    "writing one that is there": "os.write(os.open(file, os.O_WRONLY), b'x')",
    "opening one to write": "print.__self__.open(folder + '/mark', 'w')",
    "a file of another module": "sys.modules['io'].open(folder + '/mark', 'w')",
    "a log file": "sys.modules['logging'].FileHandler(folder + '/mark')",
    "a temporary file": "sys.modules['tempfile'].mkstemp(dir=folder)",
    "a copy": "sys.modules['shutil'].copy(file, folder + '/mark')",
    "emptying a file": "os.truncate(file, 0)",
    "removing a file": "os.remove(file)",
    "removing a tree": "sys.modules['shutil'].rmtree(folder)",
    "renaming a file": "os.rename(file, file + '2')",
    "a link": "os.symlink(file, folder + '/mark')",
    "a hard link": "os.link(file, folder + '/mark')",
    "a directory": "os.mkdir(folder + '/mark')",
    "a fifo": "os.mkfifo(folder + '/mark')",
    "a device": "os.mknod(folder + '/mark')",
    "another mode": "os.chmod(file, 0o777)",
    "another owner": "os.chown(file, 1, 1)",
    "another time": "os.utime(file, (1, 1))",
    "an attribute of a file": "os.setxattr(file, 'user.mark', b'1')",
    "a tensor saved": "torch.save(torch.zeros(1), folder + '/mark')",
    "a tensor in a mapped file": "torch.from_file(folder + '/mark', shared=True, size=8)",
    "a tensor in shared memory": "torch.zeros(1).share_memory_()",
    "the storage of a tensor": (
        "torch.zeros(1).untyped_storage()._write_file(os.open(folder + '/mark', 577), True, True, 4)"
    ),
    "an array to a file": "numpy.zeros(3).tofile(folder + '/mark')",
    "an array in a mapped file": "numpy.memmap(folder + '/mark', mode='w+', shape=(3,))",
    "an array as text": "numpy.savetxt(folder + '/mark', numpy.zeros(3))",
    "a file of torch's own writer": "torch._C.PyTorchFileWriter(folder + '/mark').write_record('a', b'x', 1)",
    "a store of torch's": "torch._C._distributed_c10d.FileStore(folder + '/mark', 1).set('a', 'b')",
    "a history of lines": "__import__('readline').write_history_file(folder + '/mark')",
    "a data base": "__import__('sqlite3').connect(folder + '/mark').execute('create table t (a)')",
    "the mode of a library's file": "os.fchmod(os.open(os.__file__, 0), os.stat(os.__file__).st_mode & 0o777)",
    "the time of a library's file": "os.utime(os.open(os.__file__, 0), (os.stat(os.__file__).st_atime,) * 2)",
    "an attribute of a library's file": "os.setxattr(os.open(os.__file__, 0), 'user.mark', b'1')",
}
READING = {
    "reading a file of the user's": "os.open(file, os.O_RDONLY)",
    "reading the password file": "print.__self__.open('/etc/passwd').read()",
    "reading an array": "numpy.fromfile(file)",
    "reading another process": "os.open('/proc/1/environ', os.O_RDONLY)",
    "reading its parent": "os.open('/proc/%d/environ' % os.getppid(), os.O_RDONLY)",
    "listing a folder": "os.listdir(folder)",
    "a variable of the environment": "os.environ['LRFIX_TEST_SECRET']",
    "the environment as it began": "os.open('/proc/self/environ', os.O_RDONLY)",
    "its own memory as a file": "os.open('/proc/self/mem', os.O_RDONLY)",
    "the terminal": "os.open('/dev/tty', os.O_RDONLY)",
    "memory of its parent": f"{_C}.process_vm_readv(os.getppid(), None, 0, None, 0, 0) == 0 or 1 / 0",
    "a file that its parent has open": f"{_C}.syscall(438, {_C}.syscall(434, os.getppid(), 0), 0, 0) >= 0 or 1 / 0",
    "what happens to files": f"{_C}.inotify_init1(0) >= 0 or 1 / 0",
}
PROCESSES = {
    "a process": "os.fork()",
    "a program": "os.execv('/bin/true', ['true'])",
    "the shell": "os.system('touch ' + folder + '/mark')",
    "a program beside it": "os.posix_spawn('/bin/touch', ['touch', folder + '/mark'], {})",
    "a subprocess": "sys.modules['subprocess'].run(['touch', folder + '/mark'], check=True)",
    "the shell through C": "sys.modules['ctypes'].CDLL(None).system(('touch ' + folder + '/mark').encode()) and 1 / 0",
    "a pickle of a call": "sys.modules['pickle'].loads(('cos\\nmkdir\\n(S\"' + folder + '/mark\"\\ntR.').encode())",
    "a signal to its parent": "os.kill(os.getppid(), 0)",
    "a signal to its parent's group": "os.killpg(os.getpgid(os.getppid()), 0)",
    "another root": "os.chroot(folder)",
    "another namespace": "sys.modules['ctypes'].CDLL(None).unshare(0x10000000) == 0 or 1 / 0",
    "tracing its parent": "sys.modules['ctypes'].CDLL(None).ptrace(16, os.getppid(), 0, 0) == 0 or 1 / 0",
    "mounting": "sys.modules['ctypes'].CDLL(None).mount(None, folder.encode(), b'tmpfs', 0, None) == 0 or 1 / 0",
    "memory shared with others": "sys.modules['ctypes'].CDLL(None).shmget(0, 4096, 0o1600) >= 0 or 1 / 0",
    "other limits": "sys.modules['resource'].setrlimit(sys.modules['resource'].RLIMIT_CPU, (9999, 9999))",
    "more privileges": "os.setuid(0) or os.setgroups([0])",
    "the limits of its parent": (
        "sys.modules['resource'].prlimit(os.getppid(), 7, sys.modules['resource'].getrlimit(7))"
    ),
    "the priority of its parent": "os.setpriority(0, os.getppid(), os.getpriority(0, os.getppid()))",
    "the processors of its parent": "os.sched_setaffinity(os.getppid(), os.sched_getaffinity(0))",
    "the name of the machine": f"{_C}.sethostname(os.uname().nodename.encode(), len(os.uname().nodename)) and 1 / 0",
    "a queue of messages": f"{_C}.mq_open(b'/lrfix-mark', os.O_CREAT | os.O_RDWR, 0o600, None) >= 0 or 1 / 0",
    "semaphores shared with others": f"{_C}.semget(0, 1, 0o1600) >= 0 or 1 / 0",
    "a ring of requests to the kernel": f"{_C}.syscall(425, 1, bytes(120)) >= 0 or 1 / 0",
    "a file without a name": "os.memfd_create('mark')",
    "a program from memory": f"{_C}.fexecve(os.open('/bin/true', os.O_RDONLY), None, None) and 1 / 0",
    "another process to be killed with": f"{_C}.prctl(36, 1, 0, 0, 0) == 0 or 1 / 0",
    "a watchdog's thread": "__import__('faulthandler').dump_traceback_later(1) or 1 / 0",
}
NETWORK = {
    "a connection": "sys.modules['_socket'].socket().connect(('127.0.0.1', port))",
    "a pair of sockets": "sys.modules['_socket'].socketpair()",
    "a port of torch's": "torch._C._distributed_c10d.TCPStore('127.0.0.1', port, is_master=False, use_libuv=False)",
    "a log of the system": "__import__('syslog').syslog('mark') or 1 / 0",
    "a name looked up": "sys.modules['_socket'].getaddrinfo('localhost', 80) and 1 / 0",
}
#: Through objects of Python to ``os``, and there to a mark.
OBJECTS = {
    "the class tree": (
        "for kind in object.__subclasses__():\n"
        "    found = getattr(kind.__init__, '__globals__', {}).get('sys')\n"
        "    if found is not None:\n"
        "        found.modules['os'].mkdir(folder + '/mark')\n"
        "1 / 0"
    ),
    "a dictionary of a class": "type(optimizer).__dict__['step'].__globals__['torch'].save(1, folder + '/mark')",
    "the frame of an exception": (
        "try:\n    1 / 0\nexcept ArithmeticError as error:\n"
        "    error.__traceback__.tb_frame.f_builtins['open'](folder + '/mark', 'w')"
    ),
    "the frame of a generator": "(x for x in ()).gi_frame.f_builtins['open'](folder + '/mark', 'w')",
    "the frame it stands in": "sys._getframe().f_builtins['open'](folder + '/mark', 'w')",
    "all objects": "[o for o in sys.modules['gc'].get_objects() if callable(o)][0] and os.mkdir(folder + '/mark')",
    "code of its own": "exec(compile('os.mkdir(folder + \"/mark\")', 'x', 'exec'), {'os': os, 'folder': folder})",
    "a function with other code": "(lambda: 0).__code__.replace(co_names=('x',)) and os.mkdir(folder + '/mark')",
    "another audit hook": "sys.addaudithook(print) or os.mkdir(folder + '/mark')",
    "the fence switched off": (
        "fence = sys.modules['lrfix.verification.sandbox']\n"
        "fence._HARMLESS_EVENTS = frozenset(['os.mkdir'])\nfence.RefusedByFence = ValueError\n"
        "os.mkdir(folder + '/mark')"
    ),
    "another interpreter": (
        "other = __import__('_interpreters' if sys.version_info > (3, 13) else '_xxsubinterpreters')\n"
        "other.run_string(other.create(), 'import os; os.mkdir(%r)' % (folder + '/mark'))"
    ),
    "a library that brings its own code": "torch.ops.load_library(folder + '/mark.so')",
    "a tracer": "sys.settrace(lambda *a: os.mkdir(folder + '/mark'))\n(lambda: 0)()",
    "a signal's handler": (
        "sys.modules['signal'].signal(14, lambda *a: os.mkdir(folder + '/mark'))\n"
        "sys.modules['signal'].setitimer(0, 0.01)\nwhile True:\n    pass"
    ),
    "at the exit": "sys.modules['atexit'].register(os.mkdir, folder + '/mark') and 1 / 0",
    "when it is collected": "type('D', (), {'__del__': lambda self: os.mkdir(folder + '/mark')})() and 1 / 0",
}
WITHOUT_END = {
    "no end": "while True:\n    pass",
    "sleep": "sys.modules['time'].sleep(10000)",
    "memory without end": "bytes(1 << 35)",
    "memory bit by bit": "held = []\nwhile True:\n    held.append(bytes(1 << 27))",
    "calls without end": "def again():\n    return again()\nagain()",
    "a thread": "sys.modules['_thread'].start_new_thread(os.mkdir, (folder + '/mark',)) and 1 / 0",
    "processes without end": "while True:\n    os.fork()",
}
ATTEMPTS = {**FILES, **READING, **PROCESSES, **NETWORK, **OBJECTS, **WITHOUT_END}

_PLANTED = """
import os, sys, numpy, torch
from torch.optim.lr_scheduler import LambdaLR

folder, file, port = {folder!r}, {file!r}, {port}


def build(optimizer, total):
    def factor(step):
{body}
        return max(0.0, 1 - step / total)

    return LambdaLR(optimizer, factor)
"""
_FORCED = """
from torch.optim.lr_scheduler import LambdaLR

def build(optimizer, p):
    sys = __import__('warnings').sys
    os, numpy, torch = sys.modules['os'], sys.modules['numpy'], sys.modules['torch']
    for name in ('exec', 'compile', '__import__'):
        __builtins__[name] = getattr(print.__self__, name)
    folder, file, port = {folder!r}, {file!r}, {port}
{body}
    return LambdaLR(optimizer, lambda k: max(0.0, 1 - k / 30))
"""
SOUND = """
from torch.optim.lr_scheduler import LambdaLR

def build(optimizer, p):
    return LambdaLR(optimizer, lambda k: max(0.0, 1 - k / 30))
"""


def planted(body: str, folder: str, file: str, port: int) -> str:
    return _PLANTED.format(body=textwrap.indent(body, " " * 8), folder=folder, file=file, port=port)


def forced(body: str, folder: str, file: str, port: int) -> str:
    return _FORCED.format(body=textwrap.indent(body, " " * 4), folder=folder, file=file, port=port)
