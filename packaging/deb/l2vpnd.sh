#!/bin/sh
# The package's own Node.js runs the command. The option closes the gap between exec and the program's first line, in
# which SIGUSR1 would open node's debugger.
exec /usr/lib/l2vpnd/bin/node --disable-sigusr1 /usr/lib/l2vpnd/dist/src/main.js "$@"
