/**
 * The version of the control protocol: the `v1` of every path, and a header of every answer, also of one that refuses. It
 * changes when something is taken away or means something else; what is only added does not change it.
 */

export const API_VERSION = 1;

/** The header with API_VERSION. */
export const API_HEADER = 'l2vpnd-api';
/** The header with the version of the package. */
export const PACKAGE_HEADER = 'l2vpnd-version';

/** What GET /v1 answers. */
export interface VersionAnswer {
  /** Of the control protocol. */
  api: number;
  /** Of the package. */
  version: string;
  pid: number;
}
