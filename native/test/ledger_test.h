#pragma once

namespace forkful::test {

void ledger();
void ledger_fault_points();
void shut_fault_points();

}  // namespace forkful::test
