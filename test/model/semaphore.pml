/* The semaphore: how many units are free, and rows of who has how many and of who waits. See
 * lib/backend/native/synchronize/semaphore.ts and mortal.h. Who of those who wait is served first is left open.
 *
 *   INITIAL      how many units there are
 *   OTHERS=1     anybody may release what others have
 *   TIMEOUTS=1   who waits may give up at any time; then nobody is seen to wait for ever
 *
 * Free units and those that somebody has are always INITIAL together, so that what the dead had returns once.
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

byte value = INITIAL;
byte held[PROCESSES];    /* rows of holders */
bit waiting[PROCESSES];  /* rows of calls */
bit granted[PROCESSES];

#define HAS_ROW(p) (held[p] > 0 || waiting[p] || granted[p])
#define HELD(p) held[p]
#define WAITS(p) (waiting[p])
#define IS_DEAD(p) (!alive[p] && HAS_ROW(p))
#define HOLDS(p) (held[p] > 0)
#ifdef CHARGE_LATE
#define EXACT skip
#else
#define EXACT assert(value + SUM(HELD) == INITIAL)
#endif

/* Whoever waits is charged for the unit when it is given one, whether or not it notices. */
#ifdef CHARGE_LATE
#define CHARGE(p) skip
#else
#define CHARGE(p) held[p]++
#endif
#define SERVE \
  do \
  :: value > 0 && ANY(WAITS) -> CHOOSE(WAITS); value--; CHARGE(next); waiting[next] = 0; granted[next] = 1 \
  :: else -> break \
  od
#define RETURN EACH(if :: IS_DEAD(p) -> value = value + held[p] :: else fi)
#define FORGET EACH(if :: IS_DEAD(p) -> held[p] = 0; waiting[p] = 0; granted[p] = 0 :: else fi)

proctype Process(byte me) {
  byte next, p;
  bit acquired, rings;

again:
  MAYBE_NEVER;
end_again: /* rows of the dead may stay for as long as nobody wants a unit */
  atomic { !HAS_ROW(me) -> alive[me] = 1; next = 0; p = 0; acquired = 0; rings = 0 }
next_call:
  do
  :: /* acquires */
#ifdef ROW_AFTER_VALUE
     PART(acquired = (value > 0 && !ANY(WAITS)); if :: acquired -> value-- :: else waiting[me] = 1 fi);
     REST(if :: acquired -> held[me]++ :: else fi);
#else
     STEP(
       acquired = (value > 0 && !ANY(WAITS));
       if :: acquired -> value--; held[me]++ :: else -> waiting[me] = 1; rung[me] = 0 fi
     );
#endif
     if :: acquired -> goto critical :: else fi;
wait:
     if
     :: LOOK(granted[me] || ANY(IS_DEAD)) -> skip
     :: TIMEOUTS -> goto give_up
     fi;
     STEP(rung[me] = 0; acquired = granted[me]; granted[me] = 0);
     if :: acquired -> goto noticed :: else fi;
     /* buries */
#ifdef RETURN_BEFORE_ROW
     PART(rings = ANY(IS_DEAD); RETURN);
     REST(FORGET; SERVE);
#else
     STEP(rings = ANY(IS_DEAD); RETURN; FORGET; SERVE; EXACT);
#endif
     if :: rings -> RING :: else fi;
     goto wait;
give_up:
     STEP(acquired = granted[me]; granted[me] = 0; waiting[me] = 0);
     if :: acquired :: else -> goto next_call fi;
noticed:
#ifdef CHARGE_LATE
     STEP(held[me]++);
#endif
critical:
     STEP(EXACT);
     STEP(if :: held[me] > 0 -> held[me]--; value++; SERVE :: else fi; assert(value <= INITIAL));
     RING
  :: OTHERS ->
     STEP(
       CHOOSE(HOLDS);
       if :: next != NOBODY -> held[next]--; value++; SERVE; assert(value <= INITIAL) :: else fi
     );
     RING
  :: break
  od;
end_rest: /* it wants nothing any more */
  false
}

RUN
