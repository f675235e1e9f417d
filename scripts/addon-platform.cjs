'use strict';

/** The C library that this Node was linked against, if it is glibc: of no use elsewhere. */
function glibcVersion() {
  if (process.platform !== 'linux') return undefined;
  process.report.excludeNetwork = true; // which may take seconds
  return process.report.getReport().header.glibcVersionRuntime;
}

/**
 * Why the addon cannot be built for this machine; undefined if it can. The library itself asks lib/backend/decide.ts;
 * this is for what builds and tests it.
 * @param {{ platform: string, arch: string, glibc: string | undefined }} machine
 */
function addonObstacle({ platform, arch, glibc } = { ...process, glibc: glibcVersion() }) {
  if (platform !== 'linux') return `it is for Linux, and this is ${platform}`;
  if (arch !== 'x64' && arch !== 'arm64') return `it is for x64 and arm64, and this CPU is ${arch}`;
  if (glibc === undefined) return 'it is for glibc, and this Node uses another C library';
  return undefined;
}

module.exports = { addonObstacle };
