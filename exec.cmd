@rem What `exec` is to a POSIX shell: npm start names it so that npm and the program have no shell between them.
@%*
