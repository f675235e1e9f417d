#include "addon/ring_object.h"

#include <unistd.h>

#include <cstring>

#include "addon/convert.h"
#include "addon/scratch.h"

namespace forkful {
namespace {

constexpr int64_t kLoopPatienceMs = 1;  // what an event loop may wait for a lock

napi_value to_js(napi_env env, Status status) {
  napi_value result;
  napi_create_int32(env, static_cast<int32_t>(status), &result);
  return result;
}

napi_value wrong_call(napi_env env, const char* what) {
  napi_throw_type_error(env, nullptr, what);
  return nullptr;
}

struct Bytes {
  uint8_t* data = nullptr;
  size_t length = 0;
};

// Any typed array or Buffer.
bool bytes_of(napi_env env, napi_value value, Bytes* out) {
  void* data;
  if (napi_get_buffer_info(env, value, &data, &out->length) != napi_ok) return false;
  out->data = static_cast<uint8_t*>(data);
  return true;
}

template <size_t N>
struct Call {
  napi_value arguments[N];
  Ring* ring = nullptr;
  RingObject* object = nullptr;

  // napi_define_class gives methods a signature: `this` is known to be a RingObject.
  Call(napi_env env, napi_callback_info info, Ring RingObject::*member) {
    size_t count = N;
    napi_value self;
    void* wrapped;
    if (napi_get_cb_info(env, info, &count, arguments, &self, nullptr) != napi_ok || count < N) return;
    if (napi_unwrap(env, self, &wrapped) != napi_ok) return;
    object = static_cast<RingObject*>(wrapped);
    Ring* candidate = &(object->*member);
    if (candidate->attached()) ring = candidate;
  }
};

uint32_t uint32_of(napi_env env, napi_value value) {
  uint32_t out = 0;
  napi_get_value_uint32(env, value, &out);
  return out;
}

double double_of(napi_env env, napi_value value) {
  double out = 0;
  napi_get_value_double(env, value, &out);
  return out;
}

// (tag, data, length, …), from `start` on
bool record_of(napi_env env, napi_value* arguments, uint32_t start, Ring::Record* out) {
  Bytes bytes;
  const uint32_t length = uint32_of(env, arguments[2]);
  if (!bytes_of(env, arguments[1], &bytes) || start > bytes.length || length > bytes.length - start) return false;
  *out = {bytes.data + start, length, uint32_of(env, arguments[0])};
  return true;
}

// (data, lengths: Uint32Array of (length, tag) pairs, first, count, …): records lie at multiples of 8.
struct Batch {
  Ring::Record records[AddonData::kMostRecords];
  uint32_t count = 0;

  bool read(napi_env env, napi_value* arguments) {
    Bytes bytes;
    napi_typedarray_type type;
    size_t pairs;
    void* raw;
    if (!bytes_of(env, arguments[0], &bytes)) return false;
    if (napi_get_typedarray_info(env, arguments[1], &type, &pairs, &raw, nullptr, nullptr) != napi_ok) return false;
    if (type != napi_uint32_array) return false;
    const auto* sizes = static_cast<const uint32_t*>(raw);
    size_t offset = uint32_of(env, arguments[2]);
    count = uint32_of(env, arguments[3]);
    if (count == 0 || count > AddonData::kMostRecords || size_t{count} * 2 > pairs) return false;
    for (uint32_t i = 0; i < count; i++) {
      const uint32_t length = sizes[2 * i];
      if (offset > bytes.length || length > bytes.length - offset) return false;
      records[i] = {bytes.data + offset, length, sizes[2 * i + 1]};
      offset += (size_t{length} + 7) & ~size_t{7};
    }
    return true;
  }
};

// scratch: [count, (tag, length, offset) …]
napi_value report_taken(napi_env env, AddonData* data, Status status, uint32_t count) {
  uint32_t* out = data->scratch;
  *out++ = count;
  const uint32_t reported = status == Status::kShort ? 1 : count;
  for (uint32_t i = 0; i < reported; i++) {
    *out++ = data->taken[i].tag;
    *out++ = data->taken[i].length;
    *out++ = data->taken[i].offset;
  }
  return to_js(env, status);
}

// (slab, offset, max, …)
bool destination_of(napi_env env, napi_value* arguments, Bytes* out, uint32_t* max) {
  if (!bytes_of(env, arguments[0], out)) return false;
  const uint32_t offset = uint32_of(env, arguments[1]);
  *max = uint32_of(env, arguments[2]);
  if (offset > out->length || *max == 0 || *max > AddonData::kMostRecords) return false;
  out->data += offset;
  out->length -= offset;
  return true;
}

}  // namespace

Napi::Function RingObject::define(Napi::Env env) {
  const auto hot = [](const char* name, napi_callback method) {
    return Napi::ClassPropertyDescriptor<RingObject>(
        napi_property_descriptor{name, nullptr, method, nullptr, nullptr, nullptr, napi_default_method, nullptr});
  };
  return DefineClass(env, "Ring",
                     {hot("tryPut", try_put), hot("putSync", put_sync), hot("tryPutMany", try_put_many),
                      hot("tryGet", try_get), hot("getSync", get_sync),
                      InstanceMethod<&RingObject::try_put_with>("tryPutWith"),
                      InstanceMethod<&RingObject::take_descriptors>("takeDescriptors"),
                      InstanceMethod<&RingObject::spin>("spin"),
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
// limits?: { dataBytes, maxItems, maxBytes, joinable }): limits mean a new ring.
RingObject::RingObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<RingObject>(info) {
  const int memory = info[0].As<Napi::Number>().Int32Value();
  const auto offset = static_cast<uint64_t>(info[1].As<Napi::Number>().Int64Value());
  int error;
  if (info[4].IsObject()) {
    const auto options = info[4].As<Napi::Object>();
    Ring::Limits limits;
    limits.data_bytes = static_cast<uint64_t>(options.Get("dataBytes").As<Napi::Number>().Int64Value());
    limits.max_bytes = static_cast<uint64_t>(options.Get("maxBytes").As<Napi::Number>().Int64Value());
    limits.max_items = options.Get("maxItems").As<Napi::Number>().Uint32Value();
    limits.has_ledger = options.Get("joinable").ToBoolean();
    error = ring_.create(memory, offset, limits);
  } else {
    error = ring_.attach(memory, offset);
  }
  if (error != 0) {
    throw Napi::Error::New(info.Env(), std::string("ring: ") + strerror(error));
  }
  const std::vector<int> events = integers(info[2]);
  if (events.size() < 2 || (ring_.has_ledger() && events.size() < 3)) throw Napi::TypeError::New(info.Env(), "Ring");
  ring_.set_events(events[0], events[1], ring_.has_ledger() ? events[2] : -1);
  const std::vector<int> parcels = integers(info[3]);
  if (parcels.size() != 2) throw Napi::TypeError::New(info.Env(), "Ring");
  ring_.set_parcels(parcels[0], parcels[1]);
}

RingObject::~RingObject() { close_arrived(); }

void RingObject::close_arrived() {
  for (const int fd : arrived_) ::close(fd);
  arrived_.clear();
}

std::vector<int>* RingObject::arriving() {
  close_arrived();
  return &arrived_;
}

// (tag, data, length, start, descriptors), which stay the caller's
Napi::Value RingObject::try_put_with(const Napi::CallbackInfo& info) {
  napi_value arguments[3] = {info[0], info[1], info[2]};
  Ring::Record record;
  if (!ring_.attached() || !record_of(info.Env(), arguments, info[3].As<Napi::Number>().Uint32Value(), &record)) {
    throw Napi::TypeError::New(info.Env(), "tryPutWith");
  }
  const std::vector<int> descriptors = integers(info[4]);
  uint32_t done;
  const Status status = ring_.try_put(&record, 1, &done, Deadline::in_ms(0), &descriptors);
  return Napi::Number::New(info.Env(), static_cast<int32_t>(status));
}

// Those of the last record; they are the caller's now.
Napi::Value RingObject::take_descriptors(const Napi::CallbackInfo& info) {
  const Napi::Array out = array(info.Env(), arrived_);
  arrived_.clear();
  return out;
}

// (tag, data, length, start)
napi_value RingObject::try_put(napi_env env, napi_callback_info info) {
  Call<4> call(env, info, &RingObject::ring_);
  Ring::Record record;
  if (call.ring == nullptr || !record_of(env, call.arguments, uint32_of(env, call.arguments[3]), &record)) {
    return wrong_call(env, "tryPut");
  }
  uint32_t done;
  return to_js(env, call.ring->try_put(&record, 1, &done, Deadline::in_ms(0)));
}

napi_value RingObject::put_sync(napi_env env, napi_callback_info info) {
  Call<4> call(env, info, &RingObject::ring_);
  Ring::Record record;
  if (call.ring == nullptr || !record_of(env, call.arguments, 0, &record)) return wrong_call(env, "putSync");
  uint32_t done;
  return to_js(env, call.ring->put(&record, 1, &done, Deadline::in_ms(double_of(env, call.arguments[3]))));
}

napi_value RingObject::try_put_many(napi_env env, napi_callback_info info) {
  Call<4> call(env, info, &RingObject::ring_);
  Batch batch;
  if (call.ring == nullptr || !batch.read(env, call.arguments)) return wrong_call(env, "tryPutMany");
  AddonData* data = AddonData::of(env);
  return to_js(env, call.ring->try_put(batch.records, batch.count, data->scratch, Deadline::in_ms(0)));
}

napi_value RingObject::try_get(napi_env env, napi_callback_info info) {
  Call<3> call(env, info, &RingObject::ring_);
  Bytes into;
  uint32_t max, count;
  if (call.ring == nullptr || !destination_of(env, call.arguments, &into, &max)) return wrong_call(env, "tryGet");
  AddonData* data = AddonData::of(env);
  const Status status =
      call.ring->try_get(into.data, into.length, max, data->taken, &count, Deadline::in_ms(0), call.object->arriving());
  return report_taken(env, data, status, count);
}

napi_value RingObject::get_sync(napi_env env, napi_callback_info info) {
  Call<4> call(env, info, &RingObject::ring_);
  Bytes into;
  uint32_t max, count;
  if (call.ring == nullptr || !destination_of(env, call.arguments, &into, &max)) return wrong_call(env, "getSync");
  AddonData* data = AddonData::of(env);
  const Status status = call.ring->get(into.data, into.length, max, data->taken, &count,
                                       Deadline::in_ms(double_of(env, call.arguments[3])), call.object->arriving());
  return report_taken(env, data, status, count);
}

// Spins for a moment where that has paid; whether a record came.
Napi::Value RingObject::spin(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), ring_.attached() && ring_.spin_not_empty());
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
  ring_.detach();
  return info.Env().Undefined();
}

}  // namespace forkful
