// SPDX-License-Identifier: Apache-2.0
// Whether a report is about the image at hand, and has seen anything.
import { Failure, formatPlatform, type ImagePlatform } from '@pratique/core';
import type { ParsedReport } from './parsed-report.ts';

/** Fails with `SCAN_NOT_BOUND` when `report` is about another image than `platform`. The config digest is the proof: it holds the diff ids, and no report names a manifest. */
export function requireBinding(report: ParsedReport, platform: ImagePlatform): void {
  const what = `the ${report.scanner} report for ${formatPlatform(platform.platform)}`;
  if (report.configDigest !== platform.configDigest) throw notBound(`${what} is about the image config ${report.configDigest}, not ${platform.configDigest}`);
  if (report.diffIds !== undefined && report.diffIds.join() !== platform.diffIds.join()) throw notBound(`${what} names other layers than the image has`);
}

function notBound(message: string): Failure {
  return new Failure({ code: 'SCAN_NOT_BOUND', message, hint: 'Scan the very layout that is pushed, each platform by itself.' });
}

/** Fails with `SCAN_NO_PACKAGES` when the scanner saw nothing that could be vulnerable: such a report proves nothing. */
export function requirePackages(report: ParsedReport, platform: ImagePlatform, inventory: number = report.packageCount): void {
  const where = formatPlatform(platform.platform);
  if (inventory === 0) {
    throw noPackages(`the scanner found no package in the ${report.os ?? 'distribution-less'} image for ${where}`);
  }
  if (report.scanner === 'trivy' && report.os !== undefined && report.osPackageCount === 0) {
    throw noPackages(`the image for ${where} is ${report.os}, but the scanner found none of the distribution's packages`);
  }
}

function noPackages(message: string): Failure {
  return new Failure({
    code: 'SCAN_NO_PACKAGES', message,
    hint: 'Keep the package database in the image (var/lib/dpkg/status, lib/apk/db/installed, rpm), and in binaries what they were made of; a report needs --list-all-pkgs.',
  });
}
