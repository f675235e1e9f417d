#include "addon/ring_object.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "addon/convert.h"
#include "addon/scratch.h"

namespace forkful {
namespace {

constexpr int64_t kLoopPatienceMs = 1;  // what an event loop may wait for a lock

}  // namespace

Ring::Limits ring_limits(const Napi::Object& options) {
  Ring::Limits limits;
  limits.data_bytes = static_cast<uint64_t>(options.Get("dataBytes").As<Napi::Number>().Int64Value());
  limits.max_bytes = static_cast<uint64_t>(options.Get("maxBytes").As<Napi::Number>().Int64Value());
  limits.max_items = options.Get("maxItems").As<Napi::Number>().Uint32Value();
  limits.has_ledger = options.Get("joinable").ToBoolean();
  return limits;
}

Napi::Function RingObject::define(Napi::Env env) {
  return DefineClass(env, "Ring",
                     {InstanceMethod<&RingObject::spin>("spin"), InstanceMethod<&RingObject::woke>("woke"),
                      InstanceMethod<&RingObject::arm_not_empty>("armNotEmpty"),
                      InstanceMethod<&RingObject::arm_not_full>("armNotFull"),
                      InstanceMethod<&RingObject::size>("size"), InstanceMethod<&RingObject::full>("full"),
                      InstanceMethod<&RingObject::shut>("shut"), InstanceMethod<&RingObject::is_shut>("isShut"),
                      InstanceMethod<&RingObject::finish>("finish"),
                      InstanceMethod<&RingObject::arm_joined>("armJoined"),
                      InstanceMethod<&RingObject::accounts>("accounts"),
                      InstanceMethod<&RingObject::close>("close")});
}

// (memory, offset, [notEmptyEvent, notFullEvent, joinedEvent?], [socket for parcels, socket of parcels],
// limits?: { dataBytes, maxItems, maxBytes, joinable }): limits mean a new ring. Without
// events it is one in a named file.
RingObject::RingObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<RingObject>(info) {
  const int memory = info[0].As<Napi::Number>().Int32Value();
  const auto offset = static_cast<uint64_t>(info[1].As<Napi::Number>().Int64Value());
  int error;
  if (info[4].IsObject()) {
    const Ring::Limits limits = ring_limits(info[4].As<Napi::Object>());
    error = ring_.create(memory, offset, limits);
  } else if (integers(info[2]).empty()) {
    // Through an opening of its own: a mapping keeps its opening, and with it the lock that says that the file is used.
    unlocked_ = open(("/proc/self/fd/" + std::to_string(memory)).c_str(), O_RDWR | O_CLOEXEC);
    error = unlocked_ < 0 ? errno : ring_.attach(unlocked_, offset);
  } else {
    error = ring_.attach(memory, offset);
  }
  if (error != 0) {
    throw system_error(info.Env(), "ring", error);
  }
  const std::vector<int> events = integers(info[2]);
  if (events.empty()) {
    ring_.set_file(unlocked_);
  } else if (events.size() < 2 || (ring_.has_ledger() && events.size() < 3)) {
    throw Napi::TypeError::New(info.Env(), "Ring");
  } else {
    ring_.set_events(events[0], events[1], ring_.has_ledger() ? events[2] : -1);
  }
  const std::vector<int> parcels = integers(info[3]);
  if (parcels.size() != 2) throw Napi::TypeError::New(info.Env(), "Ring");
  ring_.set_parcels(parcels[0], parcels[1]);
  AddonData* data = AddonData::of(info.Env());
  ring_.limit_spinning(data->spin_ns);
  waits_.limit(data->spin_ns);
  table_ = data->rings;
  number_ = table_->add(&ring_);
  auto self = info.This().As<Napi::Object>();
  self.Set("number", number_);
  self.Set("maxItems", ring_.max_items());
  self.Set("maxBytes", static_cast<double>(ring_.max_bytes()));
  self.Set("joinable", ring_.has_ledger());
}

RingObject::~RingObject() {
  detach();
  if (unlocked_ >= 0) ::close(unlocked_);
}

void RingObject::detach() {
  if (table_ == nullptr) return;
  table_->remove(number_);
  table_ = nullptr;
  ring_.detach();
  if (unlocked_ >= 0) ::close(unlocked_);
  unlocked_ = -1;
}

// Spins for a moment where that has paid; whether a record came. If not, the caller sleeps now, and says when it woke.
Napi::Value RingObject::spin(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(),
                            ring_.attached() && waits_.spin([this] { return ring_.items() != 0; }));
}

// A record has come to the one who did not spin for long enough.
Napi::Value RingObject::woke(const Napi::CallbackInfo& info) {
  waits_.woke();
  return info.Env().Undefined();
}

Napi::Value RingObject::arm_not_empty(const Napi::CallbackInfo& info) {
  if (!ring_.attached()) throw Napi::TypeError::New(info.Env(), "armNotEmpty");
  const Status status = ring_.arm_not_empty(Deadline::in_ms(kLoopPatienceMs));
  return Napi::Number::New(info.Env(), static_cast<int32_t>(status));
}

Napi::Value RingObject::arm_not_full(const Napi::CallbackInfo& info) {
  if (!ring_.attached()) throw Napi::TypeError::New(info.Env(), "armNotFull");
  const uint32_t length = info[0].As<Napi::Number>().Uint32Value();
  const Status status = ring_.arm_not_full(length, Deadline::in_ms(kLoopPatienceMs));
  return Napi::Number::New(info.Env(), static_cast<int32_t>(status));
}

Napi::Value RingObject::size(const Napi::CallbackInfo& info) {
  if (!ring_.attached()) throw Napi::TypeError::New(info.Env(), "size");
  return Napi::Number::New(info.Env(), ring_.items());
}

Napi::Value RingObject::full(const Napi::CallbackInfo& info) {
  if (!ring_.attached()) throw Napi::TypeError::New(info.Env(), "full");
  return Napi::Boolean::New(info.Env(), ring_.full());
}

// (drop: boolean)
Napi::Value RingObject::shut(const Napi::CallbackInfo& info) {
  if (!ring_.attached()) throw Napi::TypeError::New(info.Env(), "shut");
  const Status status = ring_.shut(info[0].As<Napi::Boolean>().Value(), Deadline::in_ms(kLoopPatienceMs));
  return Napi::Number::New(info.Env(), static_cast<int32_t>(status));
}

Napi::Value RingObject::is_shut(const Napi::CallbackInfo& info) {
  if (!ring_.attached()) throw Napi::TypeError::New(info.Env(), "isShut");
  return Napi::Boolean::New(info.Env(), ring_.is_shut());
}

Napi::Value RingObject::finish(const Napi::CallbackInfo& info) {
  if (!ring_.has_ledger()) throw Napi::TypeError::New(info.Env(), "finish");
  return Napi::Number::New(info.Env(), static_cast<int32_t>(ring_.finish(Deadline::in_ms(kLoopPatienceMs))));
}

Napi::Value RingObject::arm_joined(const Napi::CallbackInfo& info) {
  if (!ring_.has_ledger()) throw Napi::TypeError::New(info.Env(), "armJoined");
  return Napi::Number::New(info.Env(), static_cast<int32_t>(ring_.arm_joined(Deadline::in_ms(kLoopPatienceMs))));
}

// [(pid, started, balance) …] of all that have a slot.
Napi::Value RingObject::accounts(const Napi::CallbackInfo& info) {
  if (!ring_.has_ledger()) throw Napi::TypeError::New(info.Env(), "accounts");
  std::vector<Ledger::Account> found(Ledger::kSlots);
  const uint32_t count = ring_.accounts(found.data(), Ledger::kSlots);
  Napi::Array out = Napi::Array::New(info.Env(), size_t{count} * 3);
  for (uint32_t i = 0; i < count; i++) {
    out.Set(3 * i, found[i].process.pid);
    out.Set(3 * i + 1, static_cast<double>(found[i].process.started));
    out.Set(3 * i + 2, found[i].balance);
  }
  return out;
}

Napi::Value RingObject::close(const Napi::CallbackInfo& info) {
  detach();
  return info.Env().Undefined();
}

}  // namespace forkful
