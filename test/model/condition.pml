/* The line of a condition, its lock, and what it is about: items, which a program that is never killed makes one by one,
 * each with a notification. Who waits is written down before it gives up the lock, and stays so until it has the lock
 * again. See lib/backend/native/synchronize/wait-line.ts, lib/synchronize/condition.ts and mortal.h.
 *
 * Nobody waits for ever while there is an item: a notification that was lost with its receiver goes to another one.
 */
#include "mortal.h"

byte lock = NOBODY; /* frees itself when its holder dies: see lock.pml */
bit item;
bit waiting[PROCESSES];
bit notified[PROCESSES];

#define HAS_ROW(p) (waiting[p] || notified[p])
#define IS_DEAD(p) (!alive[p] && HAS_ROW(p))
#define WAITS(p) (waiting[p])
#define LOST(p) (!alive[p] && notified[p])
#define LOCK_IS_FREE (lock == NOBODY || lock < PROCESSES && !alive[lock])
#define ACQUIRE if :: DIE :: d_step { LOCK_IS_FREE && FREE -> lock = me } fi
#define NOTIFY CHOOSE(WAITS); if :: next != NOBODY -> waiting[next] = 0; notified[next] = 1 :: else fi
#define FORGET EACH(if :: IS_DEAD(p) -> waiting[p] = 0; notified[p] = 0 :: else fi)
#define PASS_ON do :: lost > 0 -> lost--; NOTIFY :: else -> break od; next = 0

proctype Process(byte me) {
  byte next, p, lost;
  bit rings;

again:
  MAYBE_NEVER;
end_again: /* rows of the dead may stay for as long as nobody waits */
  atomic {
    !HAS_ROW(me) -> /* and a lock that it had is free */
    if :: lock == me -> lock = NOBODY :: else fi;
    alive[me] = 1; next = 0; p = 0; lost = 0; rings = 0
  }
begin:
  ACQUIRE;
check:
  STEP(if :: item -> item = 0; lock = NOBODY; next = 1 :: else -> next = 0 fi);
  if :: next -> next = 0; goto over :: else fi;
#ifdef ENTER_AFTER_LOCK
  STEP(lock = NOBODY);
  STEP(waiting[me] = 1; rung[me] = 0);
#else
  STEP(waiting[me] = 1; rung[me] = 0);
  STEP(lock = NOBODY);
#endif
wait:
end_wait:
  item || notified[me] || ANY(IS_DEAD); /* nothing to wait for, else */
  LOOK(notified[me] || ANY(IS_DEAD));
  STEP(rung[me] = 0);
  if :: notified[me] -> goto noticed :: else fi;
  /* buries */
#ifdef FORGET_BEFORE_PASSING
  PART(lost = SUM(LOST); rings = (lost > 0); FORGET);
  REST(PASS_ON);
#else
  STEP(lost = SUM(LOST); rings = (lost > 0); FORGET; PASS_ON);
#endif
  if :: rings -> RING :: else fi;
  goto wait;
noticed:
#ifdef LEAVE_BEFORE_LOCK
  STEP(notified[me] = 0);
#endif
  ACQUIRE;
  /* From the change of its row on it has what it was notified of: the item, if nobody was faster. */
  STEP(notified[me] = 0; if :: item -> item = 0; lock = NOBODY; next = 1 :: else -> next = 0 fi);
  if :: next -> next = 0; goto over :: else -> goto check fi;
over:
  if :: goto begin :: skip fi;
end_rest: /* it wants nothing any more */
  false
}

active proctype Maker() {
  byte next, p;
end_made:
  do
  :: atomic {
       !item && LOCK_IS_FREE && memory_lock == NOBODY ->
       item = 1;
       NOTIFY;
       EACH(rung[p] = 1)
     }
  od
}

RUN
