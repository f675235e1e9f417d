#pragma once

namespace forkful::test {

void parcels();
void parcel_fault_points();

}  // namespace forkful::test
