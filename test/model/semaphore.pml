/* The semaphore: a word for each process with the units that it holds and those that it keeps as spare, changed by Atomics, and
 * rows of processes and of who waits, changed as a whole under the lock of the memory. See
 * lib/backend/native/synchronize/semaphore.ts and mortal.h. Who of those who wait is served first is left open.
 *
 *   INITIAL      how many units there are
 *   OTHERS=1     anybody may release what others have
 *   TIMEOUTS=1   who waits may give up at any time; then nobody is seen to wait for ever
 *
 * How many are free is nowhere written down: they are INITIAL less what is in words and granted by rows, which must never be
 * negative. Who waits looks by itself for what somebody has left who was killed; for a unit that passed by without any death it
 * does not, so such a one is an end state in which somebody waits.
 */
#include "mortal.h"
#ifndef INITIAL
#define INITIAL 1
#endif
#ifndef OTHERS
#define OTHERS 0
#endif
#ifndef TIMEOUTS
#define TIMEOUTS 0
#endif

byte held[PROCESSES];    /* words */
byte spare[PROCESSES];
bit stopped[PROCESSES];
bit known[PROCESSES];    /* rows of processes */
bit waiting[PROCESSES];  /* rows of calls */
bit granted[PROCESSES];
bit served[PROCESSES];   /* granted, and released by another one since */
bit inside[PROCESSES];
bit somebody_died;

#undef DIE
#define DIE \
  d_step { \
    KILLS -> \
    alive[me] = 0; inside[me] = 0; somebody_died = 1; \
    if :: memory_lock == me -> memory_lock = NOBODY :: else fi \
  } \
  goto again

#define HAS_ROW(p) (known[p] || waiting[p] || granted[p] || served[p])
#define IS_DEAD(p) (!alive[p] && HAS_ROW(p))
#define WAITS(p) (waiting[p])
#define CAN_WAIT(p) (waiting[p] && alive[p])
#define HOLDS(p) (known[p] && held[p] > 0)
#define IS_GRANTED(p) (granted[p])
#define KEEPS(p) (known[p] && spare[p] > 0)
#define KEEPS_ALIVE(p) (alive[p] && KEEPS(p))
#define IS_INSIDE(p) (inside[p])
#ifdef GRANT_UNCOUNTED
#define OF(p) (known[p] * (held[p] + spare[p]))
#define OF_ALIVE(p) (alive[p] * known[p] * (held[p] + spare[p]))
#else
#define OF(p) (known[p] * (held[p] + spare[p]) + granted[p])
#define OF_ALIVE(p) (alive[p] * (known[p] * (held[p] + spare[p]) + granted[p]))
#endif
#define FREE_UNITS (INITIAL - SUM(OF))
/* Once the dead are buried. */
#define FREE_THEN (INITIAL - SUM(OF_ALIVE))
#define FINDS (granted[me] || served[me] || ANY(IS_DEAD) || (somebody_died && (FREE_UNITS > 0 || ANY(KEEPS))))

#define LOCK STEP(memory_lock = me)
#define UNLOCK STEP(memory_lock = NOBODY)
#define EACH_STEP(action) p = 0; do :: p < PROCESSES -> STEP(action; p++) :: else -> p = 0; break od
#ifdef NO_STOP
#define STOP skip
#else
#define STOP EACH_STEP(if :: known[p] -> stopped[p] = 1 :: else fi)
#endif
#define GO_ON \
  if \
  :: !ANY(WAITS) -> EACH_STEP(if :: known[p] -> stopped[p] = 0 :: else fi) \
  :: else \
  fi

/* Makes spare units free, as many as those who wait may want; before the rows change. */
#define FREE_SPARES \
  do \
  :: FREE_THEN <= 0 && ANY(CAN_WAIT) && ANY(KEEPS_ALIVE) -> \
     STEP(CHOOSE(KEEPS_ALIVE); if :: next != NOBODY -> spare[next]-- :: else fi) \
  :: else -> break \
  od
#define BURY EACH(if :: IS_DEAD(p) -> known[p] = 0; waiting[p] = 0; granted[p] = 0; served[p] = 0 :: else fi)
#define SERVE \
  do \
  :: FREE_UNITS > 0 && ANY(WAITS) -> CHOOSE(WAITS); waiting[next] = 0; granted[next] = 1; rings = 1 \
  :: else -> break \
  od; \
  assert(FREE_UNITS >= 0)

proctype Process(byte me) {
  byte next, p;
  bit acquired, rings;

again:
  MAYBE_NEVER;
end_again: /* rows of the dead may stay for as long as nobody wants a unit */
  atomic { !HAS_ROW(me) -> alive[me] = 1; next = 0; p = 0; acquired = 0; rings = 0 }
  LOCK;
  STOP;
#ifndef KEEP_WORD
  STEP(held[me] = 0; spare[me] = 0; stopped[me] = 1);
#endif
  STEP(known[me] = 1);
  GO_ON;
  UNLOCK;
next_call:
  do
  :: /* acquires */
     STEP(acquired = (!stopped[me] && spare[me] > 0); if :: acquired -> spare[me]--; held[me]++ :: else fi);
     if :: acquired -> goto critical :: else fi;
     LOCK;
     STOP;
     if
     :: !ANY(WAITS) && FREE_UNITS > 0 -> STEP(held[me]++); acquired = 1
     :: !ANY(WAITS) && FREE_UNITS <= 0 && ANY(KEEPS) ->
        CHOOSE(KEEPS);
#ifdef HOLD_BEFORE_SPARE
        STEP(held[me]++; assert(FREE_UNITS >= 0));
        STEP(spare[next]--);
#else
        STEP(spare[next]--);
        STEP(held[me]++);
#endif
        acquired = 1
     :: else ->
#ifdef GO_ON_EARLY
        EACH_STEP(if :: known[p] -> stopped[p] = 0 :: else fi);
#endif
        STEP(waiting[me] = 1; rung[me] = 0)
     fi;
     GO_ON;
     UNLOCK;
     if :: acquired -> goto critical :: else fi;
wait:
     if
     :: LOOK(FINDS) -> skip
     :: TIMEOUTS -> goto give_up
     fi;
     LOCK;
     STOP;
     STEP(
       rung[me] = 0; rings = 0;
       acquired = (granted[me] || served[me]);
       if :: granted[me] -> held[me]++ :: else fi;
       granted[me] = 0; served[me] = 0
     );
     if
     :: acquired
     :: else -> FREE_SPARES; STEP(BURY; SERVE)
     fi;
     GO_ON;
     UNLOCK;
     if :: acquired -> goto critical :: else fi;
     if :: rings -> RING :: else fi;
     goto wait;
give_up:
     LOCK;
     STOP;
     STEP(
       acquired = (granted[me] || served[me]);
       if :: granted[me] -> held[me]++ :: else fi;
       granted[me] = 0; served[me] = 0; waiting[me] = 0
     );
     GO_ON;
     UNLOCK;
     if :: acquired :: else -> goto next_call fi;
critical:
     STEP(inside[me] = 1; assert(OTHERS || SUM(IS_INSIDE) <= INITIAL));
     STEP(
       inside[me] = 0;
       acquired = (!stopped[me] && held[me] > 0);
       if :: acquired -> held[me]--; spare[me]++ :: else fi
     );
     if :: acquired -> goto next_call :: else fi;
     if
     :: held[me] > 0 ->
        LOCK;
        STOP;
        STEP(rings = 0; if :: held[me] > 0 -> held[me]-- :: else fi);
        FREE_SPARES;
        STEP(SERVE);
        GO_ON;
        UNLOCK;
        if :: rings -> RING :: else fi
     :: else /* somebody has released it */
     fi
  :: OTHERS ->
     LOCK;
     STOP;
     STEP(
       rings = 0;
       CHOOSE(HOLDS);
       if
       :: next != NOBODY -> held[next]--
       :: else -> CHOOSE(IS_GRANTED); if :: next != NOBODY -> granted[next] = 0; served[next] = 1 :: else fi
       fi
     );
     FREE_SPARES;
     STEP(SERVE);
     GO_ON;
     UNLOCK;
     if :: rings -> RING :: else fi
  :: break
  od;
end_rest: /* it wants nothing any more */
  false
}

RUN
