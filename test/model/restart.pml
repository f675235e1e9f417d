/* What lies in memory: records, positions that wrap, the jump back to offset 0, drained memory that is discarded.
 * Who wakes whom is queue.pml's subject: here nobody sleeps, and who finds no room looks again as a sleeper would.
 *
 * Everybody may be killed before every step, any number of times, and comes again. Positions wrap, so the state space
 * is finite although the runs are not. Any memory may be discarded: the pages that the real ring keeps only hide errors.
 *
 *   PRODUCERS, CONSUMERS       how many; records take 1 or 2 units
 *   KILLS=0                    nobody dies
 *
 * The #ifdefs are broken orders, each of which must be found.
 */
#ifndef PRODUCERS
#define PRODUCERS 2
#endif
#ifndef CONSUMERS
#define CONSUMERS 1
#endif
#ifndef KILLS
#define KILLS 1
#endif
#define MEMBERS (PRODUCERS + CONSUMERS)
#define NOBODY 255
#define DEAD 254

/* In units. A record is refused if it is longer than CELLS - CHUNK. */
#define CELLS 4
#define CHUNK 2      /* granularity of giving memory back */
#define RESTART 2    /* offset behind which a producer jumps */
#define POSITIONS 12 /* where positions wrap: a multiple of CELLS, more than any distance in use */
#define DISTANCE(from, to) ((to + POSITIONS - (from)) % POSITIONS)
#define OFFSET(position) ((position) % CELLS)
#define BOUNDARY(position) ((position) - (position) % CHUNK)

byte producers_lock = NOBODY;
byte consumers_lock = NOBODY;
byte tail, head, reclaimed;
byte jump_at, jump_units;
byte seen_reclaimed; /* a lower bound, the producers' */

/* Memory that is discarded, drained or left by the dead has no content; else it is the record and the unit of it. */
#define NOTHING 0
#define CONTENT(position, length, unit) (1 + (position) * 4 + (length - 1) * 2 + unit)
byte cell[CELLS];

#define WITHIN(from, to) \
  (jump_units != 0 && DISTANCE(from, jump_at) < DISTANCE(from, to) -> jump_units : 0)
#define FITS(end, since) (DISTANCE(since, end) - WITHIN(since, end) + length <= CELLS)

#define DIE \
  d_step { \
    KILLS -> \
    if :: producers_lock == me -> producers_lock = DEAD :: else fi; \
    if :: consumers_lock == me -> consumers_lock = DEAD :: else fi; \
    FORGET \
  } \
  goto again
#define STEP(action) if :: DIE :: d_step { action } fi
#define LOCK(mutex) \
  if \
  :: DIE \
  :: d_step { mutex == NOBODY -> mutex = me; recovers = 0 } \
  :: d_step { mutex == DEAD -> mutex = me; recovers = 1 } \
  fi
#define UNLOCK(mutex) STEP(mutex = NOBODY)

#define DISCARD(to) \
  do \
  :: at != to -> STEP(cell[OFFSET(at)] = NOTHING; at = (at + 1) % POSITIONS) \
  :: else -> break \
  od

#define FIRST_TO_DISCARD(end) (WITHIN(reclaimed, end) != 0 -> (jump_at + jump_units) % POSITIONS : reclaimed)
#if defined(MOVE_BEFORE_DISCARD)
#define GIVE_BACK(boundary) STEP(reclaimed = boundary); DISCARD(boundary)
#else
#define GIVE_BACK(boundary) DISCARD(boundary); STEP(reclaimed = boundary)
#endif
/* With the consumers' lock. */
#define RECLAIM(end) \
  if \
  :: reclaimed != BOUNDARY(end) -> \
    STEP(at = FIRST_TO_DISCARD(end)); \
    GIVE_BACK(BOUNDARY(end)); \
    at = 0 \
  :: else \
  fi
#ifdef NO_RECLAIM_IN_RECOVERY
#define RECOVER_CONSUMERS
#else
#define RECOVER_CONSUMERS \
  if \
  :: recovers -> RECLAIM(head) \
  :: else \
  fi; \
  recovers = 0;
#endif

#ifdef JUMP_BEFORE_RECLAIMED
#define MAY_JUMP (is_empty)
#else
#define MAY_JUMP (is_empty && seen_reclaimed == BOUNDARY(tail))
#endif
#ifdef KEEP_OLD_JUMP
#define MUST_FORGET_JUMP 0
#else
#define MUST_FORGET_JUMP (jump_units != 0 && WITHIN(seen_reclaimed, tail) == 0)
#endif

/* One step with death, because nobody can tell when what nobody may read has gone. */
#define FORGET \
  if \
  :: written -> cell[OFFSET(next)] = NOTHING; cell[OFFSET(next + length - 1)] = NOTHING \
  :: else \
  fi; \
  length = 0; next = 0; at = 0; recovers = 0; is_empty = 0; written = 0
proctype Producer(byte me) {
  byte length, next, at;
  bool recovers, is_empty, written;
again:
  if
  :: length = 1
  :: length = 2
  fi;
  LOCK(producers_lock);
  recovers = 0;
  next = tail;
  if
  :: OFFSET(tail) < RESTART
  :: OFFSET(tail) >= RESTART -> /* the real one does not look at every put while the ring is not empty */
    STEP(is_empty = (head == tail));
    STEP(seen_reclaimed = reclaimed);
    if
    :: MAY_JUMP ->
      at = seen_reclaimed;
      DISCARD(tail);
      at = 0;
      STEP(jump_at = tail; jump_units = CELLS - OFFSET(tail); next = (tail + jump_units) % POSITIONS)
    :: else ->
      if
      :: MUST_FORGET_JUMP -> STEP(jump_at = 0; jump_units = 0)
      :: else
      fi
    fi
  fi;
  is_empty = 0;
  if
  :: FITS(next, seen_reclaimed)
  :: else ->
    STEP(seen_reclaimed = reclaimed);
    if
    :: FITS(next, seen_reclaimed)
    :: else -> goto no_room
    fi
  fi;
  if
  :: UNLOCK(producers_lock); goto finish /* the machine's memory is short */
  :: STEP(cell[OFFSET(next)] = CONTENT(next, length, 0); written = 1)
  fi;
  if
  :: length == 2 -> STEP(cell[OFFSET(next + 1)] = CONTENT(next, 2, 1))
  :: else
  fi;
  STEP(tail = (next + length) % POSITIONS; written = 0);
  UNLOCK(producers_lock);
  goto finish;
no_room:
  UNLOCK(producers_lock);
  next = 0;
  LOCK(consumers_lock);
  RECOVER_CONSUMERS
  /* Nobody will give back anything of a ring that is empty: then there must be room. */
  STEP(assert(head != tail || FITS(tail, reclaimed)));
  UNLOCK(consumers_lock);
  goto finish;
finish:
  skip;
  d_step { FORGET };
  goto again
}

#define RECORD_IS(length) \
  (cell[OFFSET(next)] == CONTENT(next, length, 0) && \
   (length == 1 || cell[OFFSET(next + length - 1)] == CONTENT(next, length, length - 1)))

#undef FORGET
#define FORGET length = 0; next = 0; at = 0; recovers = 0
proctype Consumer(byte me) {
  byte length, next, at;
  bool recovers;
again:
  head != tail;
  LOCK(consumers_lock);
  RECOVER_CONSUMERS
  if
  :: head == tail -> UNLOCK(consumers_lock); goto finish
  :: else
  fi;
  STEP(
    next = head;
    if :: jump_units != 0 && jump_at == head -> next = (next + jump_units) % POSITIONS :: else fi
  );
  STEP(
    if
    :: RECORD_IS(1) -> length = 1
    :: RECORD_IS(2) -> length = 2
    :: else -> assert(false) /* discarded or overwritten while it was alive */
    fi
  );
#ifdef DISCARD_BEFORE_COMMIT
  RECLAIM((next + length) % POSITIONS);
#endif
  STEP(
    cell[OFFSET(next)] = NOTHING; cell[OFFSET(next + length - 1)] = NOTHING;
    head = (next + length) % POSITIONS;
    length = 0; next = 0
  );
  RECLAIM(head);
  UNLOCK(consumers_lock);
  goto finish;
finish:
  skip;
  d_step { FORGET };
  goto again
}

init {
  atomic {
    byte n;
    do
    :: n < MEMBERS -> if :: n < PRODUCERS -> run Producer(n) :: else -> run Consumer(n) fi; n++
    :: else -> break
    od;
    n = 0
  }
}
