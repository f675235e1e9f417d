#pragma once

namespace forkful::test {

void fault_points();
void lost_wake_up();

}  // namespace forkful::test
