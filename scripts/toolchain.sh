# Sourced from the top folder by what makes bytes that others must be able to make again: the Go that go.mod names, and
# no other. The go command fetches it where it is another one.
GOTOOLCHAIN=$(sed -n 's/^toolchain //p' go.mod)
export GOTOOLCHAIN
