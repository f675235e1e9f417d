/* The lock: a word that names its owner and says whether somebody waits, changed by Atomics, and rows of processes and of
 * waiting calls, changed as a whole under the lock of the memory. See lib/backend/native/synchronize/mutex.ts.
 *
 * Everybody may be killed before every step, any number of times, and comes again as somebody new. Who waits looks when it
 * has been given the lock, or when some process has ended; so an end state in which somebody waits is a lost lock. Which
 * of those who wait is given the lock is left open.
 *
 *   PROCESSES                  how many
 *   TIMEOUTS=1                 who waits may give up at any time; then nobody is seen to wait for ever
 *   KILLS=0                    nobody dies
 *
 * The #ifdefs are broken orders, each of which must be found.
 */
#ifndef PROCESSES
#define PROCESSES 3
#endif
#ifndef TIMEOUTS
#define TIMEOUTS 0
#endif
#ifndef KILLS
#define KILLS 1
#endif
#define NOBODY 255

/* The owner: 0 nobody, 1 + p a process, 1 + PROCESSES + p the call of it that waits. */
#define PROCESS(p) (1 + (p))
#define CALL(p) (1 + PROCESSES + (p))

byte memory_lock = NOBODY;
byte owner;
bit queued, died;
bit known[PROCESSES];   /* rows of processes */
bit waiting[PROCESSES]; /* rows of calls */
bit alive[PROCESSES];
bit inside[PROCESSES];

/* Death is seen by rows alone: what has none is nobody. */
#define DEAD(p) (!alive[p] && (known[p] || waiting[p]))
#define OWNS_DEAD(p) (!alive[p] && (owner == PROCESS(p) && known[p] || owner == CALL(p) && waiting[p]))
#if PROCESSES == 2
#define ANY(what) (what(0) || what(1))
#else
#define ANY(what) (what(0) || what(1) || what(2))
#endif
#define LIVES(p) (alive[p])
#define IS_INSIDE(p) (inside[p])
#define WAITS(p) (waiting[p] && owner != CALL(p))
#define OTHER_WAITS(p) (waiting[p] && p != me)
#define CAN_WAIT(p) (waiting[p] && alive[p] && owner != CALL(p))

#define DIE \
  d_step { \
    KILLS -> \
    alive[me] = 0; inside[me] = 0; \
    if :: memory_lock == me -> memory_lock = NOBODY :: else fi \
  } \
  goto again
#define STEP(action) if :: DIE :: d_step { action } fi
#define LOCK if :: DIE :: d_step { memory_lock == NOBODY -> memory_lock = me } fi
#define UNLOCK STEP(memory_lock = NOBODY)

/* A compare-and-swap from what was seen. */
#define SEE STEP(seen_owner = owner; seen_queued = queued; seen_died = died)
#define SAME (owner == seen_owner && queued == seen_queued && died == seen_died)
#define SWAP(to, to_queued, to_died) \
  STEP(if :: SAME -> owner = to; queued = to_queued; died = to_died; swapped = 1 :: else -> swapped = 0 fi)

/* One of those who wait, living ones if there is a choice between these and the dead that are being buried. */
#define CHOOSE(condition) \
  next = NOBODY; \
  if \
  :: condition(0) -> next = 0 \
  :: condition(1) -> next = 1 \
  :: PROCESSES > 2 && condition(PROCESSES - 1) -> next = PROCESSES - 1 \
  :: else \
  fi

proctype Process(byte me) {
  byte seen_owner, next, p;
  bit seen_queued, seen_died, swapped;

again:
end_again: /* rows of the dead may stay for as long as nobody wants the lock */
  atomic {
    if
    :: !known[me] && !waiting[me] && owner != PROCESS(me) && owner != CALL(me)
    :: !ANY(LIVES) -> /* nobody is left who had the memory */
       d_step {
         owner = 0; queued = 0; died = 0;
         p = 0;
         do :: p < PROCESSES -> known[p] = 0; waiting[p] = 0; p++ :: else -> break od
       }
    fi;
    alive[me] = 1; seen_owner = 0; next = 0; p = 0; seen_queued = 0; seen_died = 0; swapped = 0
  }
#ifndef REGISTER_LATE
  LOCK; STEP(known[me] = 1); UNLOCK;
#endif

acquire:
  STEP(if :: owner == 0 && !queued && !died -> owner = PROCESS(me); swapped = 1 :: else -> swapped = 0 fi);
  if :: swapped -> goto critical :: else fi;
  LOCK;
begin:
  SEE;
  if
  :: seen_owner == 0 && !ANY(WAITS) ->
     SWAP(PROCESS(me), 0, 0);
     if :: swapped -> UNLOCK; goto critical :: else -> goto begin fi
  :: seen_owner == 0 && ANY(WAITS) -> /* only with the dead: they are buried */
     goto bury_first
  :: else
  fi;
#ifndef NO_QUEUE_FLAG
  SWAP(seen_owner, 1, seen_died);
  if :: swapped :: else -> goto begin fi;
#endif
  STEP(waiting[me] = 1);
  UNLOCK;

wait:
  /* Killed while it sleeps is killed before or after: here that would hide that it sleeps for ever. */
  if
  :: owner == CALL(me) || ANY(DEAD) -> skip
  :: TIMEOUTS -> goto give_up
  fi;
  LOCK;
  if :: owner == CALL(me) -> goto granted :: else fi;

bury:
#ifdef ROWS_BEFORE_WORD
  STEP(p = 0; do :: p < PROCESSES -> if :: !alive[p] -> known[p] = 0; waiting[p] = 0 :: else fi; p++ :: else -> break od);
#endif
  STEP(p = (ANY(OWNS_DEAD) -> 1 : 0); CHOOSE(CAN_WAIT); seen_owner = owner; seen_queued = queued; seen_died = died);
  if
  :: p && next != NOBODY -> SWAP(CALL(next), 1, 1)
  :: p && next == NOBODY -> SWAP(0, 0, 1)
  :: else
  fi;
  /* The dead: whom the word names is not among them any more. */
  STEP(p = 0; do :: p < PROCESSES -> if :: !alive[p] && !OWNS_DEAD(p) -> known[p] = 0; waiting[p] = 0 :: else fi; p++ :: else -> break od);
  if :: owner == CALL(me) -> goto granted :: else fi;
  UNLOCK;
  goto wait;

bury_first:
  STEP(CHOOSE(CAN_WAIT));
  if :: next != NOBODY -> SWAP(CALL(next), 1, seen_died) :: else fi;
  STEP(p = 0; do :: p < PROCESSES -> if :: !alive[p] && !OWNS_DEAD(p) -> known[p] = 0; waiting[p] = 0 :: else fi; p++ :: else -> break od);
  goto begin;

give_up:
  LOCK;
  if :: owner == CALL(me) -> goto granted :: else fi;
  STEP(waiting[me] = 0);
  UNLOCK;
  goto acquire;

granted:
#ifdef ROW_BEFORE_WORD
  STEP(waiting[me] = 0);
#endif
  STEP(owner = PROCESS(me); died = 0; queued = ANY(OTHER_WAITS));
  STEP(waiting[me] = 0);
  UNLOCK;

critical:
#ifdef REGISTER_LATE
  STEP(known[me] = 1);
#endif
  STEP(assert(!ANY(IS_INSIDE)); inside[me] = 1);
  STEP(inside[me] = 0);
#ifdef DROP_QUEUED
  STEP(if :: owner == PROCESS(me) -> owner = 0; queued = 0; swapped = 1 :: else -> swapped = 0 fi);
#else
  STEP(if :: owner == PROCESS(me) && !queued && !died -> owner = 0; swapped = 1 :: else -> swapped = 0 fi);
#endif
  if :: swapped -> goto released :: else fi;
  LOCK;
release:
  SEE;
  STEP(CHOOSE(WAITS));
  if
  :: next != NOBODY -> SWAP(CALL(next), 1, 0)
  :: else -> SWAP(0, 0, 0)
  fi;
  if :: swapped :: else -> goto release fi;
  UNLOCK;
released:
  if :: goto acquire :: skip fi;
end_rest: /* it wants nothing any more */
  false
}

init {
  atomic {
    byte i = 0;
    do :: i < PROCESSES -> run Process(i); i++ :: else -> break od
  }
}
