#include "addon/convert.h"

#include <cstring>

namespace forkful {

Napi::Error system_error(Napi::Env env, const char* call, int error) {
  Napi::Error out = Napi::Error::New(env, std::string(call) + ": " + strerror(error));
  out.Set("errno", Napi::Number::New(env, -error));
  out.Set("code", Napi::String::New(env, strerrorname_np(error) != nullptr ? strerrorname_np(error) : "EUNKNOWN"));
  out.Set("syscall", Napi::String::New(env, call));
  return out;
}

int checked(Napi::Env env, const char* call, int result) {
  if (result < 0) throw system_error(env, call, -result);
  return result;
}

uint64_t size_of(const Napi::Value& value) { return static_cast<uint64_t>(value.As<Napi::Number>().Int64Value()); }

int integer(const Napi::Value& value) { return value.As<Napi::Number>().Int32Value(); }

std::vector<int> integers(const Napi::Value& value) {
  const auto values = value.As<Napi::Array>();
  std::vector<int> out;
  for (uint32_t i = 0; i < values.Length(); i++) out.push_back(integer(values.Get(i)));
  return out;
}

std::vector<std::string> strings(const Napi::Value& value) {
  const auto values = value.As<Napi::Array>();
  std::vector<std::string> out;
  for (uint32_t i = 0; i < values.Length(); i++) out.push_back(values.Get(i).As<Napi::String>().Utf8Value());
  return out;
}

Napi::Array array(Napi::Env env, const std::vector<int>& values) {
  Napi::Array out = Napi::Array::New(env, values.size());
  for (uint32_t i = 0; i < values.size(); i++) out.Set(i, values[i]);
  return out;
}

}  // namespace forkful
