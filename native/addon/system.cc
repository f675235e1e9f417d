#include "addon/system.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "addon/convert.h"
#include "core/descriptors.h"
#include "core/parcel.h"
#include "core/probe.h"
#include "core/process.h"
#include "core/process_identity.h"
#include "core/ring.h"
#include "core/shared_memory.h"

namespace forkful {
namespace {

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
  for (const int fd : fds) make_room_for_parcels(fd);
  return array(info.Env(), {fds[0], fds[1]});
}

Napi::Value create_pipe(const Napi::CallbackInfo& info) {
  int fds[2];
  checked(info.Env(), "pipe2", make_pipe(fds));
  return array(info.Env(), {fds[0], fds[1]});
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
  std::vector<int> made;
  for (const int fd : sources) {
    const int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (copy < 0) {
      const int error = errno;
      for (const int other : made) ::close(other);
      throw system_error(info.Env(), "fcntl", error);
    }
    made.push_back(copy);
  }
  return array(info.Env(), made);
}

// (fd, other): from now on `other` refers to what `fd` does
Napi::Value redirect(const Napi::CallbackInfo& info) {
  const int result = dup3(info[0].As<Napi::Number>(), info[1].As<Napi::Number>(), O_CLOEXEC);
  if (result < 0) throw system_error(info.Env(), "dup3", errno);
  return info.Env().Undefined();
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
  return array(info.Env(), fds);
}

Napi::Value peer_gone(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), hung_up(integer(info[0])) == 1);
}

// (fd, timeout in ms) -> whether it can be read from, or has hung up
Napi::Value wait_readable(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), readable(integer(info[0]), info[1].As<Napi::Number>().DoubleValue()));
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
  return array(info.Env(), {spawned.pid, spawned.pidfd});
}

// (pid) -> undefined while it runs, else [code | -1, signal | 0]
Napi::Value reap_process(const Napi::CallbackInfo& info) {
  ExitStatus status;
  if (checked(info.Env(), "waitpid", reap(integer(info[0]), &status)) == 0) return info.Env().Undefined();
  return array(info.Env(), {status.code, status.signal});
}

// (pid) -> pidfd
Napi::Value open_process(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(),
                           checked(info.Env(), "pidfd_open", forkful::open_process(integer(info[0]))));
}

// (pid, started) -> pidfd, or -1 if that process has ended, whoever has its number now
Napi::Value open_if_alive(const Napi::CallbackInfo& info) {
  const ProcessIdentity process{static_cast<uint32_t>(integer(info[0])),
                                static_cast<uint64_t>(info[1].As<Napi::Number>().Int64Value())};
  const int pidfd = forkful::open_process(static_cast<pid_t>(process.pid));
  if (pidfd == -ESRCH) return Napi::Number::New(info.Env(), -1);
  checked(info.Env(), "pidfd_open", pidfd);
  if (!has_ended(process)) return Napi::Number::New(info.Env(), pidfd);
  close(pidfd);
  return Napi::Number::New(info.Env(), -1);
}

// (pidfd, signal) -> whether there was somebody to signal
Napi::Value signal_child(const Napi::CallbackInfo& info) {
  const int error = signal_process(integer(info[0]), integer(info[1]));
  if (error != 0 && error != ESRCH) throw system_error(info.Env(), "pidfd_send_signal", error);
  return Napi::Boolean::New(info.Env(), error == 0);
}

Napi::Value ring_bytes(const Napi::CallbackInfo& info) {
  const auto bytes = static_cast<uint64_t>(info[0].As<Napi::Number>().Int64Value());
  return Napi::Number::New(info.Env(), static_cast<double>(Ring::region_bytes(bytes, info[1].ToBoolean())));
}

// (bytes of addresses) -> '' or what this system refuses
Napi::Value probe_system(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), probe(static_cast<uint64_t>(info[0].As<Napi::Number>().Int64Value())));
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
  define("redirect", redirect);
  define("sendDescriptors", send);
  define("receiveDescriptors", receive);
  define("peerGone", peer_gone);
  define("waitReadable", wait_readable);
  define("dieWithPipe", join_life);
  define("spawn", spawn_process);
  define("reap", reap_process);
  define("openProcess", open_process);
  define("openIfAlive", open_if_alive);
  define("signalProcess", signal_child);
  define("ringRegionBytes", ring_bytes);
  define("probe", probe_system);
}

}  // namespace forkful
