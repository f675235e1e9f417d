#include "addon/messages.h"

#include "addon/convert.h"
#include "addon/scratch.h"

// What is done for each message. Plain Node-API callbacks: one call per message, no allocation, the ring by its number,
// results in the array given to `useScratch`.
namespace forkful {
namespace {

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

// (ring, N further arguments)
template <size_t N>
struct Call {
  napi_value all[N + 1];
  napi_value* arguments = all + 1;
  AddonData* data = nullptr;
  Ring* ring = nullptr;  // nullptr: a wrong call

  Call(napi_env env, napi_callback_info info) : data(AddonData::of(env)) {
    size_t count = N + 1;
    if (napi_get_cb_info(env, info, &count, all, nullptr, nullptr) != napi_ok || count < N + 1) return;
    ring = data->rings->at(uint32_of(env, all[0]));
  }
};

// (tag, data, length, …), from `start` on
bool record_of(napi_env env, napi_value* arguments, uint32_t start, Ring::Record* out) {
  Bytes bytes;
  const uint32_t length = uint32_of(env, arguments[2]);
  if (!bytes_of(env, arguments[1], &bytes) || start > bytes.length || length > bytes.length - start) return false;
  *out = {bytes.data + start, length, uint32_of(env, arguments[0])};
  return true;
}

// (data, lengths: Uint32Array of (length, tag) pairs, first, count): records lie at multiples of 8.
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

// (offset in the slab, max, …)
bool room_in_slab(napi_env env, const AddonData* data, napi_value* arguments, Bytes* out, uint32_t* max) {
  const uint32_t offset = uint32_of(env, arguments[0]);
  *max = uint32_of(env, arguments[1]);
  if (offset > data->slab_bytes || *max == 0 || *max > AddonData::kMostRecords) return false;
  *out = {data->slab + offset, data->slab_bytes - offset};
  return true;
}

// (ring, tag, data, length, start)
napi_value try_put(napi_env env, napi_callback_info info) {
  Call<4> call(env, info);
  Ring::Record record;
  if (call.ring == nullptr || !record_of(env, call.arguments, uint32_of(env, call.arguments[3]), &record)) {
    return wrong_call(env, "tryPut");
  }
  uint32_t done;
  return to_js(env, call.ring->try_put(&record, 1, &done, Deadline::in_ms(0)));
}

// (ring, tag, data, length, lead): `lead` and then `length` bytes of `data`, as one message
napi_value try_put_led(napi_env env, napi_callback_info info) {
  Call<4> call(env, info);
  Ring::Record record;
  Bytes lead;
  if (call.ring == nullptr || !record_of(env, call.arguments, 0, &record) ||
      !bytes_of(env, call.arguments[3], &lead) || lead.length > UINT32_MAX - record.length) {
    return wrong_call(env, "tryPutLed");
  }
  record.lead = lead.data;
  record.lead_length = static_cast<uint32_t>(lead.length);
  record.length += record.lead_length;
  uint32_t done;
  return to_js(env, call.ring->try_put(&record, 1, &done, Deadline::in_ms(0)));
}

// (ring, tag, data, length, timeout)
napi_value put_sync(napi_env env, napi_callback_info info) {
  Call<4> call(env, info);
  Ring::Record record;
  if (call.ring == nullptr || !record_of(env, call.arguments, 0, &record)) return wrong_call(env, "putSync");
  uint32_t done;
  return to_js(env, call.ring->put(&record, 1, &done, Deadline::in_ms(double_of(env, call.arguments[3]))));
}

// (ring, data, lengths, first, count)
napi_value try_put_many(napi_env env, napi_callback_info info) {
  Call<4> call(env, info);
  Batch batch;
  if (call.ring == nullptr || !batch.read(env, call.arguments)) return wrong_call(env, "tryPutMany");
  return to_js(env, call.ring->try_put(batch.records, batch.count, call.data->scratch, Deadline::in_ms(0)));
}

// (ring, offset in the slab, max)
napi_value try_get(napi_env env, napi_callback_info info) {
  Call<2> call(env, info);
  Bytes into;
  uint32_t max, count;
  if (call.ring == nullptr || !room_in_slab(env, call.data, call.arguments, &into, &max)) {
    return wrong_call(env, "tryGet");
  }
  const Status status = call.ring->try_get(into.data, into.length, max, call.data->taken, &count, Deadline::in_ms(0),
                                           call.data->arrived.empty_again());
  return report_taken(env, call.data, status, count);
}

// (ring, offset in the slab, timeout): one message.
napi_value get_sync(napi_env env, napi_callback_info info) {
  Call<2> call(env, info);
  const uint32_t offset = call.ring == nullptr ? 0 : uint32_of(env, call.arguments[0]);
  if (call.ring == nullptr || offset > call.data->slab_bytes) return wrong_call(env, "getSync");
  uint32_t count;
  const Status status = call.ring->get(call.data->slab + offset, call.data->slab_bytes - offset, 1, call.data->taken,
                                       &count, Deadline::in_ms(double_of(env, call.arguments[1])),
                                       call.data->arrived.empty_again());
  return report_taken(env, call.data, status, count);
}

// (ring, into): one message, into memory of its own.
napi_value try_get_large(napi_env env, napi_callback_info info) {
  Call<1> call(env, info);
  Bytes into;
  if (call.ring == nullptr || !bytes_of(env, call.arguments[0], &into)) return wrong_call(env, "tryGetLarge");
  uint32_t count;
  const Status status = call.ring->try_get(into.data, into.length, 1, call.data->taken, &count, Deadline::in_ms(0),
                                           call.data->arrived.empty_again());
  return report_taken(env, call.data, status, count);
}

// (ring, tag, data, length, start, descriptors), which stay the caller's
Napi::Value try_put_with(const Napi::CallbackInfo& info) {
  napi_value arguments[3] = {info[1], info[2], info[3]};
  Ring* ring = AddonData::of(info.Env())->rings->at(uint32_of(info.Env(), info[0]));
  Ring::Record record;
  if (ring == nullptr || !record_of(info.Env(), arguments, uint32_of(info.Env(), info[4]), &record)) {
    throw Napi::TypeError::New(info.Env(), "tryPutWith");
  }
  const std::vector<int> descriptors = integers(info[5]);
  uint32_t done;
  const Status status = ring->try_put(&record, 1, &done, Deadline::in_ms(0), &descriptors);
  return Napi::Number::New(info.Env(), static_cast<int32_t>(status));
}

// Those of the last record; they are the caller's now.
Napi::Value take_descriptors(const Napi::CallbackInfo& info) {
  return array(info.Env(), AddonData::of(info.Env())->arrived.take());
}

// (Uint8Array): where messages land from now on. Kept, so that its memory stays, but for a transfer.
Napi::Value use_slab(const Napi::CallbackInfo& info) {
  AddonData* data = AddonData::of(info.Env());
  auto slab = info[0].As<Napi::Uint8Array>();
  data->slab = slab.Data();
  data->slab_bytes = slab.ByteLength();
  data->slab_owner = Napi::Persistent(slab);
  return info.Env().Undefined();
}

// (µs): how long who waits may spin, in rings opened from now on.
Napi::Value limit_spinning(const Napi::CallbackInfo& info) {
  AddonData::of(info.Env())->spin_ns = static_cast<int64_t>(info[0].As<Napi::Number>().DoubleValue() * 1e3);
  return info.Env().Undefined();
}

}  // namespace

void define_messages(Napi::Env env, Napi::Object exports) {
  const auto hot = [&](const char* name, napi_callback callback) {
    napi_value function;
    napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, nullptr, &function);
    exports.Set(name, function);
  };
  hot("tryPut", try_put);
  hot("tryPutLed", try_put_led);
  hot("putSync", put_sync);
  hot("tryPutMany", try_put_many);
  hot("tryGet", try_get);
  hot("tryGetLarge", try_get_large);
  hot("getSync", get_sync);
  exports.Set("tryPutWith", Napi::Function::New(env, try_put_with, "tryPutWith"));
  exports.Set("takeDescriptors", Napi::Function::New(env, take_descriptors, "takeDescriptors"));
  exports.Set("limitSpinning", Napi::Function::New(env, limit_spinning, "limitSpinning"));
  exports.Set("useSlab", Napi::Function::New(env, use_slab, "useSlab"));
}

}  // namespace forkful
