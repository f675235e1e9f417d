#pragma once

namespace forkful::test {

void fault_points();

}  // namespace forkful::test
