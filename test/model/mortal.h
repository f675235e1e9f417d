/* Processes that may be killed before every step, any number of times, and maybe come again as somebody new once no row names the
 * one that was. A step is a transaction (lib/backend/native/synchronize/state.ts): one store makes all of it true, under a
 * lock that outlives its holder, so whoever is killed has done all of it or nothing. Broken orders take two of them, PART
 * and REST, with that lock held.
 *
 * Who waits looks when the bell has rung since it last looked, or after a while by itself; so an end state in which
 * somebody waits, although a look would find something, is a lost wake-up.
 *
 *   PROCESSES    2 or 3
 *   KILLS=0      nobody dies
 *   NO_LOOK      a broken order: nobody looks by itself
 */
#ifndef PROCESSES
#define PROCESSES 3
#endif
#ifndef KILLS
#define KILLS 1
#endif
#define NOBODY 255

byte memory_lock = NOBODY;
bit alive[PROCESSES];
bit rung[PROCESSES];

#define FREE (memory_lock == NOBODY || memory_lock == me)
#define DIE \
  d_step { \
    KILLS -> \
    alive[me] = 0; \
    if :: memory_lock == me -> memory_lock = NOBODY :: else fi \
  } \
  goto again
/* At the start of a life. */
#define MAYBE_NEVER if :: goto end_rest :: skip fi
#define STEP(action) if :: DIE :: d_step { FREE -> action } fi
#define PART(action) STEP(memory_lock = me; action)
#define REST(action) STEP(action; memory_lock = NOBODY)
#if PROCESSES == 2
#define RING STEP(rung[0] = 1; rung[1] = 1)
#define ANY(what) (what(0) || what(1))
#define SUM(what) (what(0) + what(1))
#else
#define RING STEP(rung[0] = 1; rung[1] = 1; rung[2] = 1)
#define ANY(what) (what(0) || what(1) || what(2))
#define SUM(what) (what(0) + what(1) + what(2))
#endif
#define EACH(action) p = 0; do :: p < PROCESSES -> action; p++ :: else -> p = 0; break od
/* One of those of whom it is true. */
#define CHOOSE(what) \
  next = NOBODY; \
  if \
  :: what(0) -> next = 0 \
  :: what(1) -> next = 1 \
  :: PROCESSES > 2 && what(PROCESSES - 1) -> next = PROCESSES - 1 \
  :: else \
  fi
#ifdef NO_LOOK
#define LOOK(finds) (rung[me])
#else
#define LOOK(finds) (finds)
#endif

#define RUN \
  init { \
    atomic { \
      byte i = 0; \
      do :: i < PROCESSES -> run Process(i); i++ :: else -> break od \
    } \
  }
