/* What lies in memory: records, positions that wrap, jumps back to offset 0 and out of the way of older records, drained
 * memory that is discarded.
 * Who wakes whom is queue.pml's subject: here nobody sleeps, and who finds no room looks again as a sleeper would.
 *
 * Everybody may be killed before every step, any number of times, and comes again. Positions wrap, so the state space
 * is finite although the runs are not. Any memory may be discarded: the pages that the real ring keeps only hide errors.
 *
 *   PRODUCERS, CONSUMERS       how many; records take 1 or 2 units
 *   CHUNK                      units by which memory is given back; 1: as where everything is kept
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
#ifndef CELLS
#define CELLS 4
#endif
#ifndef CHUNK
#define CHUNK 2
#endif
#define RESTART 2 /* offset behind which a producer jumps back */
#define POSITIONS (4 * CELLS) /* where positions wrap: more than any distance in use, two jumps and all cells */
#define DISTANCE(from, to) ((to + POSITIONS - (from)) % POSITIONS)
#define OFFSET(position) ((position) % CELLS)
#define BOUNDARY(position) ((position) - (position) % CHUNK)
#define BEYOND(position) (OFFSET(position) + CHUNK - OFFSET(position) % CHUNK)

byte producers_lock = NOBODY;
byte consumers_lock = NOBODY;
byte tail, head, reclaimed;
byte back_at, back_units; /* the jump to offset 0 */
byte out_at, out_units;   /* the jump behind what lay before it */
byte seen_reclaimed; /* a lower bound, the producers' */

/* Memory that is discarded, drained or left by the dead has no content; else it is the record and the unit of it. */
#define NOTHING 0
#define CONTENT(position, length, unit) (1 + (position) * 4 + (length - 1) * 2 + unit)
byte cell[CELLS];

#define BACK(from, to) (back_units != 0 && DISTANCE(from, back_at) < DISTANCE(from, to))
#define OUT(from, to) (out_units != 0 && DISTANCE(from, out_at) < DISTANCE(from, to))
#define USED(since, end) \
  (DISTANCE(since, end) - (BACK(since, end) -> back_units : 0) - (OUT(since, end) -> out_units : 0))

/* Whether the record can lie where the last one ends: behind a jump back, before what is older; behind a jump out, before
 * the end of the memory. */
#define OUT_TO ((out_at + out_units) % POSITIONS)
#ifdef NO_LIMIT_BEHIND_JUMP
#define BEFORE_OLDER(since, end) 1
#else
#define BEFORE_OLDER(since, end) (!BACK(since, end) || OFFSET(end) + length <= OFFSET(since))
#endif
#define FITS_HERE(end, since) \
  (USED(since, end) + length <= CELLS && \
   (OUT(since, end) -> OFFSET(OUT_TO) + DISTANCE(OUT_TO, end) + length <= CELLS : BEFORE_OLDER(since, end)))
/* Or else behind what lay before the jump back. */
#ifdef JUMP_OUT_TWICE
#define MAY_JUMP_OUT(end, since) (BACK(since, end) && BEYOND(back_at) > OFFSET(end))
#else
#define MAY_JUMP_OUT(end, since) (BACK(since, end) && !OUT(since, end))
#endif
#define FITS_OUT(end, since) \
  (USED(since, end) + length <= CELLS && MAY_JUMP_OUT(end, since) && BEYOND(back_at) + length <= CELLS)
#define FITS(end, since) (FITS_HERE(end, since) || FITS_OUT(end, since))

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

/* Everything drained up to `end`, in pieces between the jumps. */
#define DISCARD_ALL(end, to) \
  STEP(at = reclaimed); \
  if \
  :: BACK(at, end) -> DISCARD(back_at); STEP(at = (back_at + back_units) % POSITIONS) \
  :: else \
  fi; \
  if \
  :: OUT(at, end) -> DISCARD(out_at); STEP(at = OUT_TO) \
  :: else \
  fi; \
  DISCARD(to)
#if defined(MOVE_BEFORE_DISCARD)
#define GIVE_BACK(end) STEP(first = reclaimed; reclaimed = BOUNDARY(end)); at = first; DISCARD(BOUNDARY(end))
#else
#define GIVE_BACK(end) DISCARD_ALL(end, BOUNDARY(end)); STEP(reclaimed = BOUNDARY(end))
#endif
/* With the consumers' lock. */
#define RECLAIM(end) \
  if \
  :: reclaimed != BOUNDARY(end) -> \
    GIVE_BACK(end); \
    at = 0; first = 0 \
  :: else \
  fi
/* Who has drained the ring gives back all that is free, if nobody puts. */
#ifdef RELEASE_WITHOUT_LOCK
#define RELEASE \
  if \
  :: head == tail -> STEP(at = 0); \
    do \
    :: at < CELLS -> STEP(cell[at] = NOTHING; at++) \
    :: else -> break \
    od; \
    at = 0 \
  :: else \
  fi
#else
#define RELEASE \
  if \
  :: d_step { producers_lock == NOBODY || producers_lock == DEAD -> producers_lock = me } \
    if \
    :: head == tail -> \
      do \
      :: at < CELLS -> STEP(cell[at] = NOTHING; at++) \
      :: else -> break \
      od; \
      at = 0 \
    :: else \
    fi; \
    UNLOCK(producers_lock) \
  :: true \
  fi
#endif
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

/* What lies in memory is one piece, and the record can lie before it. */
#ifdef JUMP_INTO_RECORDS
#define MAY_JUMP_BACK 1
#else
#define MAY_JUMP_BACK \
  (DISTANCE(seen_reclaimed, tail) <= OFFSET(tail) && length <= OFFSET(seen_reclaimed))
#endif
#define IS_ONE_PIECE (back_units == 0 && out_units == 0)

/* One step with death, because nobody can tell when what nobody may read has gone. */
#define FORGET \
  if \
  :: written -> cell[OFFSET(next)] = NOTHING; cell[OFFSET(next + length - 1)] = NOTHING \
  :: else \
  fi; \
  length = 0; next = 0; at = 0; recovers = 0; first = 0; written = 0
proctype Producer(byte me) {
  byte length, next, at, first;
  bool recovers, written;
again:
  if
  :: length = 1
  :: length = 2
  fi;
  LOCK(producers_lock);
  recovers = 0;
  next = tail;
#ifndef KEEP_OLD_JUMP
  /* One that everybody has passed, or one that nobody committed. */
  if
  :: back_units != 0 && !BACK(seen_reclaimed, tail) -> STEP(back_at = 0; back_units = 0)
  :: else
  fi;
  if
  :: out_units != 0 && !OUT(seen_reclaimed, tail) -> STEP(out_at = 0; out_units = 0)
  :: else
  fi;
#endif
  if
  :: OFFSET(tail) >= RESTART && IS_ONE_PIECE -> /* the real one does so if it is worth while */
    STEP(seen_reclaimed = reclaimed);
    if
    :: MAY_JUMP_BACK ->
      STEP(back_at = tail; back_units = CELLS - OFFSET(tail); next = (tail + back_units) % POSITIONS)
    :: true
    fi
  :: true
  fi;
  if
  :: FITS_HERE(next, seen_reclaimed)
  :: else ->
    STEP(seen_reclaimed = reclaimed);
    if
    :: FITS_HERE(next, seen_reclaimed)
    :: !FITS_HERE(next, seen_reclaimed) && FITS_OUT(next, seen_reclaimed) ->
      STEP(
        at = BEYOND(back_at) - OFFSET(next);
        out_at = next; out_units = at;
        next = (next + at) % POSITIONS;
        at = 0
      )
    :: !FITS(next, seen_reclaimed) -> goto no_room
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
#define FORGET length = 0; next = 0; at = 0; recovers = 0; first = 0
proctype Consumer(byte me) {
  byte length, next, at, first;
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
    if :: back_units != 0 && back_at == next -> next = (next + back_units) % POSITIONS :: else fi;
    if :: out_units != 0 && out_at == next -> next = (next + out_units) % POSITIONS :: else fi
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
  RELEASE;
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
