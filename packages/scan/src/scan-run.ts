// SPDX-License-Identifier: Apache-2.0
// What is recorded about one scan of one platform, beside the scanner's own report.
import type { Digest, FailureCode } from '@pratique/core';
import { fieldsOf } from './json-fields.ts';

/** One look of one scanner at one platform: what, with what, when. Times are RFC 3339. */
export interface ScanRun {
  /** `os/architecture[/variant]`. */
  readonly platform: string;
  /** Digest of the platform's manifest. */
  readonly digest: Digest;
  readonly configDigest: Digest;
  readonly diffIds: readonly Digest[];
  readonly scanner: { readonly name: string; readonly version: string };
  /** `digest`: of the manifest in the registry that the database came from; `updatedAt`: when it was built. */
  readonly database: { readonly digest?: Digest; readonly version?: string; readonly updatedAt: string };
  readonly startedAt: string;
  readonly finishedAt: string;
  /** `none`: Dockerfile, scanner and registry credentials shared one job. `job`: each had its own. */
  readonly isolation: 'none' | 'job';
  /** Packages in the image by our own inventory, for reports that list only what is vulnerable (grype). */
  readonly packageCount?: number;
}

/** One platform's scan, whole: the record, the raw report, and what the image is made of. */
export interface PlatformScan {
  readonly run: ScanRun;
  /** The scanner's JSON as it wrote it. */
  readonly report: Uint8Array;
  /** CycloneDX JSON, canonical. */
  readonly cyclonedx: Uint8Array;
  /** SPDX 2.3 JSON, canonical. */
  readonly spdx: Uint8Array;
}

/** Reads the record of a scan. Fails with `code`. */
export function readScanRun(value: unknown, where: string, code: FailureCode): ScanRun {
  const fields = fieldsOf(value, where, code);
  const scanner = fields.fields('scanner');
  const database = fields.fields('database');
  const packageCount = fields.count('packageCount');
  const version = database.optionalText('version');
  return {
    platform: fields.text('platform'),
    digest: fields.digest('digest'),
    configDigest: fields.digest('configDigest'),
    diffIds: fields.digests('diffIds'),
    scanner: { name: scanner.text('name'), version: scanner.text('version') },
    database: {
      ...(database.optionalText('digest') === undefined ? {} : { digest: database.digest('digest') }),
      ...(version === undefined ? {} : { version }),
      updatedAt: database.time('updatedAt'),
    },
    startedAt: fields.time('startedAt'),
    finishedAt: fields.time('finishedAt'),
    isolation: readIsolation(fields.text('isolation'), () => fields.invalid('isolation', 'none or job')),
    ...(packageCount === undefined ? {} : { packageCount }),
  };
}

/** `none` or `job`; else throws what `invalid` makes. */
export function readIsolation(text: string, invalid: () => Error): 'none' | 'job' {
  if (text === 'none' || text === 'job') return text;
  throw invalid();
}
