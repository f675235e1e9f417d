#include "addon/fork.h"

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <utility>

#include "addon/convert.h"
#include "addon/repair.h"
#include "addon/scratch.h"
#include "core/fork.h"
#include "core/forkserver.h"

namespace forkful {
namespace {

uint32_t unsigned_integer(const Napi::Value& value) { return value.As<Napi::Number>().Uint32Value(); }

// () -> '' or why platform threads cannot be done without
Napi::Value disable_threads(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), disable_platform_threads());
}

Napi::Value count_threads(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), checked(info.Env(), "/proc/self/task", thread_count()));
}

}  // namespace

void repair(Napi::Env env, const sigset_t& mask) {
  uv_loop_t* loop;
  if (napi_get_uv_event_loop(env, &loop) != napi_ok || uv_loop_fork(loop) != 0) {
    const char message[] = "forkful: the event loop does not survive the fork\n";
    const ssize_t written = write(2, message, sizeof message - 1);
    static_cast<void>(written);
    _exit(70);
  }
  pthread_sigmask(SIG_SETMASK, &mask, nullptr);
}

namespace {

// (descriptors that are not the probe's business) -> [pid, pidfd]; in the probe undefined
Napi::Value start_probe(const Napi::CallbackInfo& info) {
  Probe probe{};
  Forked forked;
  if (checked(info.Env(), "fork", fork_probe(integers(info[0]), &probe, &forked)) == 0) {
    repair(info.Env(), forked.mask);
    return info.Env().Undefined();
  }
  return array(info.Env(), {probe.pid, probe.pidfd});
}

// (control socket, other descriptors that are no child's business, [pid, pidfd] of the probe, ms for the probe) -> '' or
// a problem
Napi::Value open_forkserver(const Napi::CallbackInfo& info) {
  auto server = std::make_unique<Forkserver>(integer(info[0]), integers(info[1]));
  const std::vector<int> probe = integers(info[2]);
  const std::string problem = server->open({probe[0], probe[1]}, integer(info[3]));
  if (problem.empty()) AddonData::of(info.Env())->forkserver = std::move(server);
  return Napi::String::New(info.Env(), problem);
}

// () -> null: there is time to prepare; undefined: the server's time is over; in each newborn { pid, control, serial,
// deadSockets }
Napi::Value serve_forks(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Forkserver& server = *AddonData::of(env)->forkserver;
  Newborn newborn;
  const Forkserver::Served served = server.serve(&newborn);
  if (served == Forkserver::Served::kIdle) return env.Null();
  if (served == Forkserver::Served::kOver) return env.Undefined();
  repair(env, newborn.forked.mask);
  AddonData::of(env)->interrupt = server.interrupt();
  AddonData::of(env)->forkserver.reset();
  Napi::Object out = Napi::Object::New(env);
  out.Set("pid", getpid());
  out.Set("control", newborn.control);
  out.Set("serial", newborn.serial);
  out.Set("deadSockets", newborn.forked.dead_sockets);
  return out;
}

// (control socket) -> undefined if the server is gone, else { link, life, gate }. Blocks.
Napi::Value wait_for_birth(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Birth birth;
  const int result = await_birth(integer(info[0]), AddonData::of(env)->interrupt, &birth);
  if (checked(env, "recvmsg", result) == 0) return env.Undefined();
  Napi::Object out = Napi::Object::New(env);
  out.Set("link", array(env, birth.link));
  out.Set("life", birth.life);
  out.Set("gate", birth.gate);
  return out;
}

// (socket, kind, id, a, b, descriptors, text?) -> whether there was room
Napi::Value send_to(const Napi::CallbackInfo& info) {
  const Packet packet{unsigned_integer(info[1]), unsigned_integer(info[2]), integer(info[3]), integer(info[4])};
  const std::string text = info[6].IsString() ? info[6].As<Napi::String>().Utf8Value() : std::string();
  const int result = send_packet(integer(info[0]), packet, integers(info[5]), text);
  if (result != -EAGAIN) checked(info.Env(), "sendmsg", result);
  return Napi::Boolean::New(info.Env(), result == 0);
}

// (socket) -> undefined: nothing there; null: the peer is gone; else { kind, id, a, b, text, descriptors }
Napi::Value receive_from(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Received received{};
  const int result = receive_packet(integer(info[0]), &received);
  if (result == -EAGAIN) return env.Undefined();
  if (checked(env, "recvmsg", result) == 0) return env.Null();
  Napi::Object out = Napi::Object::New(env);
  out.Set("kind", received.packet.kind);
  out.Set("id", received.packet.id);
  out.Set("a", received.packet.a);
  out.Set("b", received.packet.b);
  out.Set("text", received.text);
  out.Set("descriptors", array(env, received.descriptors));
  return out;
}

// (socket) -> the kind of the next packet, which stays; undefined: nothing there, or the peer is gone
Napi::Value next_kind(const Napi::CallbackInfo& info) {
  uint32_t kind;
  ssize_t received;
  do received = recv(integer(info[0]), &kind, sizeof kind, MSG_PEEK | MSG_DONTWAIT);
  while (received < 0 && (errno == EINTR || errno == ECONNRESET));
  if (received < static_cast<ssize_t>(sizeof kind)) return info.Env().Undefined();
  return Napi::Number::New(info.Env(), kind);
}

// (code): ends this process without the threads that it does not have.
Napi::Value leave(const Napi::CallbackInfo& info) {
  fflush(nullptr);
  _exit(integer(info[0]));
}

}  // namespace

void define_fork(Napi::Env env, Napi::Object exports) {
  const auto define = [&](const char* name, Napi::Value (*function)(const Napi::CallbackInfo&)) {
    exports.Set(name, Napi::Function::New(env, function, name));
  };
  define("disablePlatformThreads", disable_threads);
  define("threadCount", count_threads);
  define("startProbe", start_probe);
  define("openForkserver", open_forkserver);
  define("serveForks", serve_forks);
  define("awaitBirth", wait_for_birth);
  define("sendPacket", send_to);
  define("receivePacket", receive_from);
  define("nextKind", next_kind);
  define("leave", leave);
}

}  // namespace forkful
