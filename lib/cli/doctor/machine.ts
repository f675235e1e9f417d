import { version } from '../version';

/** Where this runs. */
export interface Machine {
  readonly forkful: string;
  readonly node: string;
  readonly platform: string;
  readonly arch: string;
  readonly release: string;
  /** undefined where there is another C library. */
  readonly glibc: string | undefined;
}

/** What the process knows of itself and its surroundings; of Node's report, these. */
interface Report {
  readonly header: { readonly osRelease: string; readonly glibcVersionRuntime?: string };
  readonly userLimits?: Readonly<Record<string, { readonly soft: number | 'unlimited' } | undefined>>;
}

export function report(): Report {
  return process.report.getReport() as unknown as Report;
}

export function machine(): Machine {
  const { header } = report();
  return {
    forkful: version(),
    node: process.version,
    platform: process.platform,
    arch: process.arch,
    release: header.osRelease,
    glibc: header.glibcVersionRuntime,
  };
}

export function describeMachine({ forkful, node, platform, arch, release, glibc }: Machine): string {
  const system = `${platform} ${release} ${arch}${glibc === undefined ? '' : ` (glibc ${glibc})`}`;
  return `forkful ${forkful}, Node.js ${node}, ${system}`;
}
