#include "addon/system.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "core/descriptors.h"
#include "core/process.h"
#include "core/ring.h"
#include "core/shared_memory.h"

namespace forkful {
namespace {

// An Error with Node's `code`, `errno` and `syscall`.
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

int integer(const Napi::Value& value) { return value.As<Napi::Number>().Int32Value(); }

std::vector<int> integers(const Napi::Value& value) {
  const auto array = value.As<Napi::Array>();
  std::vector<int> out;
  for (uint32_t i = 0; i < array.Length(); i++) out.push_back(integer(array.Get(i)));
  return out;
}

std::vector<std::string> strings(const Napi::Value& value) {
  const auto array = value.As<Napi::Array>();
  std::vector<std::string> out;
  for (uint32_t i = 0; i < array.Length(); i++) out.push_back(array.Get(i).As<Napi::String>().Utf8Value());
  return out;
}

Napi::Value pair(Napi::Env env, const int values[2]) {
  Napi::Array out = Napi::Array::New(env, 2);
  out.Set(0u, values[0]);
  out.Set(1u, values[1]);
  return out;
}

// (label, bytes) -> fd
Napi::Value create_memory(const Napi::CallbackInfo& info) {
  const std::string label = info[0].As<Napi::String>();
  const auto bytes = static_cast<uint64_t>(info[1].As<Napi::Number>().Int64Value());
  return Napi::Number::New(info.Env(),
                           checked(info.Env(), "memfd_create", create_shared_memory(label.c_str(), bytes)));
}

Napi::Value create_event(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), checked(info.Env(), "eventfd", make_event()));
}

Napi::Value create_sockets(const Napi::CallbackInfo& info) {
  int fds[2];
  checked(info.Env(), "socketpair", make_socket_pair(fds));
  return pair(info.Env(), fds);
}

Napi::Value create_pipe(const Napi::CallbackInfo& info) {
  int fds[2];
  checked(info.Env(), "pipe2", make_pipe(fds));
  return pair(info.Env(), fds);
}

// (fds)
Napi::Value close_descriptors(const Napi::CallbackInfo& info) {
  for (const int fd : integers(info[0])) ::close(fd);
  return info.Env().Undefined();
}

// (fds)
Napi::Value set_close_on_exec(const Napi::CallbackInfo& info) {
  for (const int fd : integers(info[0])) checked(info.Env(), "fcntl", close_on_exec(fd));
  return info.Env().Undefined();
}

// (fds) -> fds
Napi::Value duplicate(const Napi::CallbackInfo& info) {
  const std::vector<int> sources = integers(info[0]);
  Napi::Array out = Napi::Array::New(info.Env(), sources.size());
  std::vector<int> made;
  for (const int fd : sources) {
    const int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (copy < 0) {
      const int error = errno;
      for (const int other : made) ::close(other);
      throw system_error(info.Env(), "fcntl", error);
    }
    out.Set(static_cast<uint32_t>(made.size()), copy);
    made.push_back(copy);
  }
  return out;
}

// (socket, fds)
Napi::Value send(const Napi::CallbackInfo& info) {
  checked(info.Env(), "sendmsg", send_descriptors(integer(info[0]), integers(info[1])));
  return info.Env().Undefined();
}

// (socket, timeout in ms) -> fds
Napi::Value receive(const Napi::CallbackInfo& info) {
  std::vector<int> fds;
  const int result = receive_descriptors(integer(info[0]), integer(info[1]), &fds);
  if (result < 0) {
    for (const int fd : fds) ::close(fd);
    throw system_error(info.Env(), "recvmsg", -result);
  }
  Napi::Array out = Napi::Array::New(info.Env(), fds.size());
  for (uint32_t i = 0; i < fds.size(); i++) out.Set(i, fds[i]);
  return out;
}

Napi::Value peer_gone(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), hung_up(integer(info[0])) == 1);
}

Napi::Value join_life(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), checked(info.Env(), "life pipe", die_with_pipe(integer(info[0]))));
}

// ({ file, args, env, cwd, fds, newSession }) -> [pid, pidfd]
Napi::Value spawn_process(const Napi::CallbackInfo& info) {
  const auto options = info[0].As<Napi::Object>();
  SpawnRequest request;
  request.file = options.Get("file").As<Napi::String>();
  request.arguments = strings(options.Get("args"));
  request.environment = strings(options.Get("env"));
  request.working_directory = options.Get("cwd").As<Napi::String>();
  request.descriptors = integers(options.Get("fds"));
  request.new_session = options.Get("newSession").As<Napi::Boolean>();
  Spawned spawned;
  if (const int error = spawn(request, &spawned)) throw system_error(info.Env(), "spawn", error);
  const int out[2] = {spawned.pid, spawned.pidfd};
  return pair(info.Env(), out);
}

// (pid) -> undefined while it runs, else [code | -1, signal | 0]
Napi::Value reap_process(const Napi::CallbackInfo& info) {
  ExitStatus status;
  if (checked(info.Env(), "waitpid", reap(integer(info[0]), &status)) == 0) return info.Env().Undefined();
  const int out[2] = {status.code, status.signal};
  return pair(info.Env(), out);
}

// (pidfd, signal) -> whether there was somebody to signal
Napi::Value signal_child(const Napi::CallbackInfo& info) {
  const int error = signal_process(integer(info[0]), integer(info[1]));
  if (error != 0 && error != ESRCH) throw system_error(info.Env(), "pidfd_send_signal", error);
  return Napi::Boolean::New(info.Env(), error == 0);
}

Napi::Value ring_bytes(const Napi::CallbackInfo& info) {
  const auto bytes = static_cast<uint64_t>(info[0].As<Napi::Number>().Int64Value());
  return Napi::Number::New(info.Env(), static_cast<double>(Ring::region_bytes(bytes)));
}

}  // namespace

void define_system(Napi::Env env, Napi::Object exports) {
  const auto define = [&](const char* name, Napi::Value (*function)(const Napi::CallbackInfo&)) {
    exports.Set(name, Napi::Function::New(env, function, name));
  };
  define("createMemory", create_memory);
  define("createEvent", create_event);
  define("createSockets", create_sockets);
  define("createPipe", create_pipe);
  define("closeDescriptors", close_descriptors);
  define("closeOnExec", set_close_on_exec);
  define("duplicate", duplicate);
  define("sendDescriptors", send);
  define("receiveDescriptors", receive);
  define("peerGone", peer_gone);
  define("dieWithPipe", join_life);
  define("spawn", spawn_process);
  define("reap", reap_process);
  define("signalProcess", signal_child);
  define("ringRegionBytes", ring_bytes);
}

}  // namespace forkful
