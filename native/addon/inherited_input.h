#pragma once
#include <uv.h>

namespace forkful {

// In a child that has just been forked, before its event loop is repaired: whatever the loop is reading that is no
// socket (a terminal, a pipe) falls silent, or parent and child would each get a part of it; then standard input is empty.
void part_from_input(uv_loop_t* loop);

}  // namespace forkful
