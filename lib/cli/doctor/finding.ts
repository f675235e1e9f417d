export type Area = 'backend' | 'start methods' | 'cpus' | 'limits' | 'self-test';

/** One thing that was looked at. */
export interface Finding {
  readonly area: Area;
  /** What it is about; the same in every run. */
  readonly name: string;
  /** `note`: good to know, and nothing is wrong; `problem`: it should work, and does not. */
  readonly status: 'ok' | 'note' | 'problem';
  readonly text: string;
  /** What to do about it. */
  readonly remedy?: string;
  /** Figures, in the units that the text has. */
  readonly values?: Readonly<Record<string, number | string>>;
}

type Details = Pick<Finding, 'values'>;

/** The findings of one area. */
export function findingsOf(area: Area) {
  return {
    ok: (name: string, text: string, details?: Details): Finding => ({
      area,
      name,
      status: 'ok',
      text,
      ...details,
    }),
    note: (name: string, text: string, remedy?: string, details?: Details): Finding => ({
      area,
      name,
      status: 'note',
      text,
      ...(remedy !== undefined && { remedy }),
      ...details,
    }),
    problem: (name: string, text: string, remedy: string, details?: Details): Finding => ({
      area,
      name,
      status: 'problem',
      text,
      remedy,
      ...details,
    }),
  };
}
