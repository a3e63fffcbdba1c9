"""What systemd does for a service with Type=notify and a descriptor store, without systemd: service-manager.py STORE_MAX PROGRAM...

Prints a line for each notification that comes. Reads commands: `restart` (SIGTERM, wait, start), `kill` (SIGKILL, wait,
start), `stop`, `hup`.
"""
import os
import select
import signal
import socket
import sys
import threading

store_max, argv = int(sys.argv[1]), sys.argv[2:]
path = "\0l2vpnd-test-manager-%d" % os.getpid()
notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
notify.bind(path)
stored = {}
main_pid = 0


def say(text):
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def listen():
    global main_pid
    while True:
        text, fds, _flags, _address = socket.recv_fds(notify, 4096, 256)
        fields = dict(line.split("=", 1) for line in text.decode().split("\n"))
        if fields.get("FDSTORE") == "1":
            if fields.get("FDPOLL") != "0":
                say("fault: FDPOLL")
            if len(stored) < store_max:
                stored[fields["FDNAME"]] = fds[0]
            continue
        if fields.get("FDSTOREREMOVE") == "1":
            fd = stored.pop(fields["FDNAME"], None)
            if fd is not None:
                os.close(fd)
            continue
        if "MAINPID" in fields:
            main_pid = int(fields["MAINPID"])
        say("notify " + " ".join("%s=%s" % item for item in fields.items()))


def start():
    global main_pid
    names = sorted(stored)
    # Above those that they become, so that none is overwritten.
    fds = [os.dup(stored[name]) for name in names]
    high = [os.fdopen(os.dup2(fd, 500 + i), "rb", closefd=False).fileno() for i, fd in enumerate(fds)]

    def prepare():
        for i, fd in enumerate(high):
            os.dup2(fd, 3 + i)
        os.environ["LISTEN_PID"] = str(os.getpid())

    env = dict(os.environ, NOTIFY_SOCKET="@" + path[1:], FDSTORE=str(store_max))
    pid = os.fork()
    if pid == 0:
        prepare()
        if names:
            env.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(names)), LISTEN_FDNAMES=":".join(names))
        os.closerange(3 + len(names), 700)
        os.execvpe(argv[0], argv, env)
    main_pid = pid
    for fd in fds + high:
        os.close(fd)
    say("started %d with %d descriptors" % (pid, len(names)))


def end(how):
    """Ends it, and waits for that: after an upgrade it is no child of ours."""
    try:
        pidfd = os.pidfd_open(main_pid)
    except ProcessLookupError:
        return
    os.kill(main_pid, how)
    select.select([pidfd], [], [])
    os.close(pidfd)
    try:
        os.waitpid(main_pid, 0)
    except ChildProcessError:
        pass


threading.Thread(target=listen, daemon=True).start()
start()
for command in sys.stdin:
    command = command.strip()
    if command == "hup":
        os.kill(main_pid, signal.SIGHUP)
        continue
    end(signal.SIGKILL if command == "kill" else signal.SIGTERM)
    if command == "stop":
        for fd in stored.values():
            os.close(fd)
        stored.clear()
        say("stopped")
    else:
        start()
