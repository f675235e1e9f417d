#pragma once

namespace forkful::test {

void blocks();
void block_locks();
void names();
void name_traffic(int kills);

}  // namespace forkful::test
