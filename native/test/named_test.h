#pragma once

namespace forkful::test {

void name_fault_points();
void names_and_the_stopped();

}  // namespace forkful::test
