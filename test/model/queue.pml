/* Who wakes whom: the two robust locks, the commits, sleepers on futexes, event loops armed on eventfds, recovery.
 * What lies in memory is restart.pml's subject; here a record is its size only.
 *
 * Everybody may be killed before every step, any number of times, and either comes again or does not. Producers and
 * consumers stop whenever they like. Wake-ups without a cause come at any time. So the state space is finite although
 * the runs are not.
 *
 * Rings in files with names wake event loops by a bell, a write to the file that inotify tells of, instead of an eventfd,
 * and this model is theirs too: a wake is still one system call by who holds the lock, before its commit, and it gives an
 * edge to everybody who listens, each of whom has it for himself: the only writer that a listener has is the kernel, and
 * no list of listeners can be left half told. One bell for both directions only adds wake-ups without a cause. Who cannot
 * listen is a loop whose wake-ups come by themselves.
 *
 *   PRODUCERS, CONSUMERS       how many; the n-th producer's records take n units
 *   LOOPING                    a bit for each, producers first: it waits by an event loop instead of a futex
 *   CAPACITY                   units in the ring
 *   KILLS=0, RESPAWN=0         nobody dies; the dead do not come again
 *   SHUT=1, SHUT=2             somebody shuts the ring, at any moment or never; 2: and drops what is in it
 *
 * The #ifdefs are broken orders, each of which must be found.
 */
#ifndef PRODUCERS
#define PRODUCERS 2
#endif
#ifndef CONSUMERS
#define CONSUMERS 1
#endif
#ifndef LOOPING
#define LOOPING 0
#endif
#ifndef KILLS
#define KILLS 1
#endif
#ifndef RESPAWN
#define RESPAWN 1
#endif
#ifndef CAPACITY
#define CAPACITY 3
#endif
#ifndef SHUT
#define SHUT 0
#endif
#define MEMBERS (PRODUCERS + CONSUMERS)
#define SHUTTER MEMBERS
#define NOBODY 255
#define DEAD 254

/* The header. A lock is its owner; DEAD stands for the kernel's EOWNERDEAD. */
byte producers_lock = NOBODY;
byte consumers_lock = NOBODY;
byte record[CAPACITY]; /* sizes, oldest first: what lies between head and tail */
byte records;
byte used;             /* tail - head, in units */
byte lagging;          /* head - reclaimed: drained, but not yet given back */
bool empty_sleeping, empty_armed;
bool full_sleeping, full_armed;
byte shut; /* 1: no more puts; 2: and what is there is dropped */

/* What the kernel knows of everybody. `bumped`: the sequence is not the one that was read, so that numbers need not be
 * kept (real ones do not wrap within one sleep). `edge`: news for the epoll of an event loop. */
#define IS_PRODUCER(i) (i < PRODUCERS)
#define NEED(i) (i + 1)
#define IS_LOOP(i) ((LOOPING >> i) & 1)
bool bumped[MEMBERS + 1] = 1;
bool asleep[MEMBERS + 1];
bool listening[MEMBERS + 1];
bool edge[MEMBERS + 1];
bool gone[MEMBERS + 1];
#ifdef SHARED_EVENT
bool event[2]; /* level: readable until somebody reads it */
#endif

#define EACH(of_producers, condition, action) \
  i = 0; \
  do \
  :: i < MEMBERS -> if :: IS_PRODUCER(i) == of_producers && (condition) -> action :: else fi; i++ \
  :: else -> break \
  od; \
  i = 0
#define BUMP(of_producers) EACH(of_producers, 1, bumped[i] = 1)
#define FUTEX_WAKE(of_producers) EACH(of_producers, 1, asleep[i] = 0)
#ifdef SHARED_EVENT
#define WRITE_EVENT(of_producers) event[of_producers] = 1
#else
#define WRITE_EVENT(of_producers) EACH(of_producers, IS_LOOP(i) && !gone[i], edge[i] = 1)
#endif

/* Before each step its process may die instead: the kernel marks what it held. */
#define DIE \
  d_step { \
    KILLS -> \
    if :: producers_lock == me -> producers_lock = DEAD :: else fi; \
    if :: consumers_lock == me -> consumers_lock = DEAD :: else fi; \
    asleep[me] = 0; listening[me] = 0; edge[me] = 0; bumped[me] = 1 \
  } \
  goto died
#define STEP(action) if :: DIE :: d_step { action } fi

#define LOCK(mutex) \
  if \
  :: DIE \
  :: d_step { mutex == NOBODY -> mutex = me } \
  :: d_step { mutex == DEAD -> mutex = me }; RECOVER(mutex) \
  fi
#define UNLOCK(mutex) STEP(mutex = NOBODY)

#ifdef CLEAR_IN_RECOVERY
#define RECOVERY_CLEARS STEP(empty_sleeping = 0; full_sleeping = 0; empty_armed = 0; full_armed = 0);
#else
#define RECOVERY_CLEARS
#endif
#ifdef NO_EVENT_IN_RECOVERY
#define RECOVERY_EVENTS
#else
#define RECOVERY_EVENTS STEP(WRITE_EVENT(0)); STEP(WRITE_EVENT(1));
#endif
#ifdef NO_RECLAIM_IN_RECOVERY
#define RECOVERY_RECLAIMS(mutex)
#else
/* Only the consumers' lock lets `reclaimed` move. */
#define RECOVERY_RECLAIMS(mutex) \
  STEP(if :: consumers_lock == me -> lagging = 0 :: else fi);
#endif
#if SHUT == 2 && !defined(NO_DROP_IN_RECOVERY)
#define RECOVERY_DROPS STEP(if :: consumers_lock == me && shut == 2 -> drop_records() :: else fi);
#else
#define RECOVERY_DROPS
#endif
#define RECOVER(mutex) \
  RECOVERY_RECLAIMS(mutex) \
  RECOVERY_DROPS \
  RECOVERY_CLEARS \
  STEP(BUMP(0)); STEP(FUTEX_WAKE(0)); \
  STEP(BUMP(1)); STEP(FUTEX_WAKE(1)); \
  RECOVERY_EVENTS

#define WAKE(sleeping, armed, producers) \
  if \
  :: sleeping -> STEP(sleeping = 0); STEP(BUMP(producers)); STEP(FUTEX_WAKE(producers)) \
  :: else \
  fi; \
  if \
  :: armed -> STEP(armed = 0); STEP(WRITE_EVENT(producers)) \
  :: else \
  fi

/* The order of a commit, what else moves with it, and its wake-up. */
#if defined(WAKE_AFTER_UNLOCK)
#define COMMIT(action, then, sleeping, armed, of_producers, mutex) \
  STEP(action); then UNLOCK(mutex); WAKE(sleeping, armed, of_producers)
#elif defined(WAKE_AFTER_COMMIT)
#define COMMIT(action, then, sleeping, armed, of_producers, mutex) \
  STEP(action); then WAKE(sleeping, armed, of_producers); UNLOCK(mutex)
#else
#define COMMIT(action, then, sleeping, armed, of_producers, mutex) \
  WAKE(sleeping, armed, of_producers); STEP(action); then UNLOCK(mutex)
#endif

/* Registration of a waiter, with `mutex` held (the opposite side's, unless broken). */
#if defined(SEQUENCE_AFTER_UNLOCK)
#define FALL_ASLEEP(sleeping, mutex) STEP(sleeping = 1); UNLOCK(mutex); STEP(bumped[me] = 0)
#elif defined(FLAG_BEFORE_SEQUENCE)
#define FALL_ASLEEP(sleeping, mutex) STEP(sleeping = 1); STEP(bumped[me] = 0); UNLOCK(mutex)
#else
#define FALL_ASLEEP(sleeping, mutex) STEP(bumped[me] = 0); STEP(sleeping = 1); UNLOCK(mutex)
#endif

/* futex_wait: comparing and falling asleep are one step of the kernel. */
#define SLEEP \
  if \
  :: DIE \
  :: bumped[me] -> goto again \
  :: d_step { !bumped[me] -> asleep[me] = 1 } \
  fi; \
end_asleep: \
  if \
  :: DIE \
  :: d_step { asleep[me] = 0; bumped[me] = 1 } goto again /* woken, or without a cause */ \
  fi

#ifdef SHARED_EVENT
#define TAKE_EVENT event[IS_PRODUCER(me)] -> event[IS_PRODUCER(me)] = 0
#define HAS_EVENT(i) event[IS_PRODUCER(i)]
#else
#define TAKE_EVENT edge[me] -> edge[me] = 0
#define HAS_EVENT(i) edge[i]
#endif
#define LISTEN \
  STEP(listening[me] = 1); \
end_listening: \
  if \
  :: DIE \
  :: d_step { TAKE_EVENT; listening[me] = 0 } goto again \
  :: d_step { !HAS_EVENT(me) -> listening[me] = 0 } goto again /* the loop has other reasons to look */ \
  fi

#ifdef REGISTER_UNDER_OWN_LOCK
#define LOCK_OF_ROOM producers_lock
#define LOCK_OF_RECORDS consumers_lock
#else
#define LOCK_OF_ROOM consumers_lock
#define LOCK_OF_RECORDS producers_lock
#endif

#define AFTER_DEATH \
died: \
  if \
  :: RESPAWN -> goto again \
  :: gone[me] = 1 \
  fi

inline append_record() {
  record[records] = NEED(me); records++; used = used + NEED(me)
}
inline remove_record() {
  assert(records > 0 && record[0] == size); /* what was copied is what leaves */
  assert(shut != 2);
  used = used - size; lagging = lagging + size; size = 0; records--;
  record[0] = record[1]; record[1] = record[2]; record[2] = 0
}
inline drop_records() {
  lagging = 0; used = 0; records = 0; record[0] = 0; record[1] = 0; record[2] = 0
}
#define HAS_ROOM (used + lagging + NEED(me) <= CAPACITY)

proctype Producer(byte me) {
  byte i;
again:
  if
  :: goto stop
  :: skip
  fi;
  LOCK(producers_lock);
  if
  :: shut -> UNLOCK(producers_lock); goto stop
  :: !shut && HAS_ROOM ->
    COMMIT(append_record(), , empty_sleeping, empty_armed, 0, producers_lock);
    goto again
  :: else
  fi;
  UNLOCK(producers_lock);
  LOCK(LOCK_OF_ROOM);
  if
  :: shut || HAS_ROOM -> UNLOCK(LOCK_OF_ROOM); goto again
  :: else
  fi;
  if
  :: IS_LOOP(me) -> STEP(full_armed = 1); UNLOCK(LOCK_OF_ROOM); LISTEN
  :: else -> FALL_ASLEEP(full_sleeping, LOCK_OF_ROOM); SLEEP
  fi;
  AFTER_DEATH;
stop:
  gone[me] = 1
}

/* Whoever leaves a ring that is shut leaves nothing in it. */
#define LEAVE_SHUT assert(used == 0); goto stop

proctype Consumer(byte me) {
  byte i;
  byte size;
again:
  if
  :: goto stop
  :: skip
  fi;
#ifdef RECORDS_BEFORE_SHUT
  if :: used == 0 -> i = 1 :: used != 0 -> i = 0 fi;
  if
  :: i && shut -> i = 0; LEAVE_SHUT
  :: i && !shut -> i = 0; goto wait
  :: else
  fi;
#else
  if
  :: shut -> if :: used == 0 -> LEAVE_SHUT :: used != 0 fi /* tail stands still */
  :: !shut -> if :: used == 0 -> goto wait :: used != 0 fi
  fi;
#endif
  LOCK(consumers_lock);
  if
  :: used == 0 -> UNLOCK(consumers_lock); goto wait
  :: else
  fi;
  STEP(size = record[0]);
  COMMIT(remove_record(), STEP(lagging = 0);, full_sleeping, full_armed, 1, consumers_lock);
  goto again;
wait:
  LOCK(LOCK_OF_RECORDS);
  if
  :: shut || used != 0 -> UNLOCK(LOCK_OF_RECORDS); goto again
  :: else
  fi;
  if
  :: IS_LOOP(me) -> STEP(empty_armed = 1); UNLOCK(LOCK_OF_RECORDS); LISTEN
  :: else -> FALL_ASLEEP(empty_sleeping, LOCK_OF_RECORDS); SLEEP
  fi;
  AFTER_DEATH;
stop:
  gone[me] = 1
}

#if SHUT
/* Both locks, the producers' first, from before the wake-ups until after the commit. */
#ifdef SHUT_UNDER_ONE_LOCK
#define SHUT_LOCK
#define SHUT_UNLOCK
#else
#define SHUT_LOCK LOCK(consumers_lock);
#define SHUT_UNLOCK UNLOCK(consumers_lock);
#endif
#define SHUT_WAKE WAKE(empty_sleeping, empty_armed, 0); WAKE(full_sleeping, full_armed, 1)
proctype Shutter(byte me) {
  byte i;
again:
  if
  :: goto stop
  :: skip
  fi;
  LOCK(producers_lock);
  SHUT_LOCK
#if defined(SHUT_WAKE_AFTER_UNLOCK)
  STEP(shut = SHUT);
  SHUT_UNLOCK
  UNLOCK(producers_lock);
  SHUT_WAKE;
#else
  SHUT_WAKE;
  STEP(shut = SHUT);
#if SHUT == 2
  STEP(drop_records());
#endif
  SHUT_UNLOCK
  UNLOCK(producers_lock);
#endif
  goto stop;
  AFTER_DEATH;
stop:
  gone[me] = 1
}
#endif

/* Nobody moves any more unless without a cause: then nobody may wait for what is there. `lagging` is no excuse. */
#define RESTS(i) (gone[i] || asleep[i] || (listening[i] && !HAS_EVENT(i)))
#define CONTENT(i) (gone[i] || (!shut && (IS_PRODUCER(i) -> used + NEED(i) > CAPACITY : used == 0)))
#if MEMBERS == 2
#define ALL(what) (what(0) && what(1))
#elif MEMBERS == 3
#define ALL(what) (what(0) && what(1) && what(2))
#elif MEMBERS == 4
#define ALL(what) (what(0) && what(1) && what(2) && what(3))
#endif
active proctype Watcher() {
end:
  d_step { ALL(RESTS) && !ALL(CONTENT) -> assert(false) }
}

init {
  atomic {
    byte n;
    do
    :: n < MEMBERS -> if :: n < PRODUCERS -> run Producer(n) :: else -> run Consumer(n) fi; n++
    :: else -> break
    od;
#if SHUT
    run Shutter(SHUTTER);
#endif
    n = 0
  }
}
