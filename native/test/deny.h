#pragma once

namespace forkful::test {

// Runs a program to which the kernel refuses one system call ("memfd_create", "pidfd_open" ...) with EPERM, as sandboxes
// do. Does not return if that works.
void deny(const char* call, char* const program[]);

}  // namespace forkful::test
