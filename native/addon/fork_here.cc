#include "addon/fork_here.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include <cerrno>
#include <cstdio>
#include <deque>

#include "addon/convert.h"
#include "addon/inherited_input.h"
#include "addon/reactor_object.h"
#include "addon/repair.h"
#include "addon/scratch.h"
#include "core/fork.h"
#include "core/process.h"

namespace forkful {
namespace {

// source: -1 for /dev/null
void redirect(int source, int fd) {
  if (source == fd) return;
  const int given = source < 0 ? open("/dev/null", O_WRONLY | O_CLOEXEC) : source;
  if (given < 0) return;
  dup2(given, fd);
  if (source < 0) close(given);
}

}  // namespace

// Forks the running program from its event loop: between two callbacks, with no JavaScript on the stack that would go on
// in the child, and not among the events of one poll, the rest of which both would handle.
class ForkLoop {
 public:
  explicit ForkLoop(Napi::Env env) : env_(env) {
    napi_get_uv_event_loop(env, &loop_);
    uv_prepare_init(loop_, &handles_->prepare);
    uv_idle_init(loop_, &handles_->idle);
    handles_->prepare.data = this;
    napi_async_init(env, Napi::Object::New(env), Napi::String::New(env, "forkful.fork"), &async_context_);
    napi_add_env_cleanup_hook(env, on_cleanup, this);
  }

  void request(Napi::Function describe, Napi::Function act) {
    requests_.push_back({Napi::Persistent(describe), Napi::Persistent(act)});
    uv_prepare_start(&handles_->prepare, [](uv_prepare_t* handle) { static_cast<ForkLoop*>(handle->data)->run(); });
    uv_idle_start(&handles_->idle, [](uv_idle_t*) {});  // the loop shall not sleep
  }

 private:
  struct Handles {
    uv_prepare_t prepare;
    uv_idle_t idle;
    int open = 2;
  };
  struct Standard {
    int output[2];
    bool new_session;
  };
  struct Request {
    Napi::FunctionReference describe, act;
  };

  static void on_cleanup(void* self) {
    auto* loop = static_cast<ForkLoop*>(self);
    for (auto* handle : {reinterpret_cast<uv_handle_t*>(&loop->handles_->prepare),
                         reinterpret_cast<uv_handle_t*>(&loop->handles_->idle)}) {
      handle->data = loop->handles_;
      uv_close(handle, [](uv_handle_t* closed) {
        auto* handles = static_cast<Handles*>(closed->data);
        if (--handles->open == 0) delete handles;
      });
    }
    AddonData::of(loop->env_)->fork_loop = nullptr;
    delete loop;
  }

  void stop() {
    uv_prepare_stop(&handles_->prepare);
    uv_idle_stop(&handles_->idle);
  }

  void run() {
    Request request = std::move(requests_.front());
    requests_.pop_front();
    if (requests_.empty()) stop();
    Napi::HandleScope scope(env_);
    napi_callback_scope callback;
    napi_open_callback_scope(env_, Napi::Object::New(env_), async_context_, &callback);
    fork_now(request);
    napi_close_callback_scope(env_, callback);
  }

  // One fork in one callback of the loop; each process leaves by its own `act`, and only then are microtasks run.
  void fork_now(const Request& request) {
    const Napi::Value described = call(request.describe, {});
    if (!described.IsObject()) return;  // called off
    const Napi::Object given = described.As<Napi::Object>();
    const Standard standard{{integer(given.Get("out")), integer(given.Get("err"))}, given.Get("newSession").ToBoolean()};
    const ForkRequest how{{}, integers(given.Get("keep"))};
    fflush(nullptr);  // or both would print what is buffered
    inherit_heap();
    Forked forked;
    const pid_t pid = fork_process(how, &forked);
    if (pid == 0) {
      become_child(standard, forked);
      call(request.act, {Napi::Number::New(env_, 0), Napi::Number::New(env_, forked.dead_sockets)});
      return;
    }
    int error = pid < 0 ? errno : 0;
    const int pidfd = error == 0 ? open_process(pid) : -1;
    if (error == 0 && pidfd < 0) {
      error = -pidfd;
      kill(pid, SIGKILL);
      waitpid(pid, nullptr, 0);
    }
    call(request.act, {Napi::Number::New(env_, error == 0 ? pid : -error), Napi::Number::New(env_, pidfd)});
  }

  void become_child(const Standard& standard, const Forked& forked) {
    requests_.clear();  // they are the parent's
    stop();
    // V8 would give its collector's jobs to threads that are not here.
    disable_platform_threads();
    for (ReactorObject* reactor : AddonData::of(env_)->reactors) reactor->part_from_parent();
    part_from_input(loop_);
    for (int i = 0; i < 2; i++) redirect(standard.output[i], i + 1);
    if (standard.new_session) setsid();
    repair(env_, forked.mask);
  }

  Napi::Value call(const Napi::FunctionReference& function, std::initializer_list<napi_value> arguments) {
    napi_value result = nullptr;
    if (napi_call_function(env_, env_.Undefined(), function.Value(), arguments.size(), std::data(arguments), &result) ==
        napi_ok) {
      return Napi::Value(env_, result);
    }
    bool pending = false;
    napi_is_exception_pending(env_, &pending);
    if (pending) {
      napi_value error;
      napi_get_and_clear_last_exception(env_, &error);
      napi_fatal_exception(env_, error);
    }
    return env_.Undefined();
  }

  Napi::Env env_;
  uv_loop_t* loop_ = nullptr;
  Handles* handles_ = new Handles;
  napi_async_context async_context_ = nullptr;
  std::deque<Request> requests_;
};

namespace {

// (describe: () => { flags, keep: sockets that stay } or undefined: not any more,
//  act: (pid, pidfd) => void in the parent, pid being -errno if there is no child; (0, deadSockets) => void in the child)
Napi::Value fork_soon(const Napi::CallbackInfo& info) {
  AddonData* data = AddonData::of(info.Env());
  if (data->fork_loop == nullptr) data->fork_loop = new ForkLoop(info.Env());
  data->fork_loop->request(info[0].As<Napi::Function>(), info[1].As<Napi::Function>());
  return info.Env().Undefined();
}

// () -> '' or why disablePlatformThreads() would fail
Napi::Value platform_problem(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), platform_threads_problem());
}

Napi::Value current_pid(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), getpid()); }

}  // namespace

void define_fork_here(Napi::Env env, Napi::Object exports) {
  exports.Set("forkSoon", Napi::Function::New(env, fork_soon, "forkSoon"));
  exports.Set("platformProblem", Napi::Function::New(env, platform_problem, "platformProblem"));
  exports.Set("pid", Napi::Function::New(env, current_pid, "pid"));
}

}  // namespace forkful
