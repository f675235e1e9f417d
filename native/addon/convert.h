#pragma once
#include <napi.h>

#include <string>
#include <vector>

namespace forkful {

// An Error with Node's `code`, `errno` and `syscall`.
Napi::Error system_error(Napi::Env env, const char* call, int error);

// The result of a call that gives -errno on failure.
int checked(Napi::Env env, const char* call, int result);

int integer(const Napi::Value& value);
uint64_t size_of(const Napi::Value& value);
std::vector<int> integers(const Napi::Value& value);
std::vector<std::string> strings(const Napi::Value& value);
Napi::Array array(Napi::Env env, const std::vector<int>& values);

}  // namespace forkful
