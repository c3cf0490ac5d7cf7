// SPDX-License-Identifier: Apache-2.0
// Public names of scan: scanning images, reading reports, SBOMs, and the evidence manifest.
export type { BuildFacts, TestReport } from './build-facts.ts';
export { evidenceArtifactType, readEvidence, writeEvidence } from './evidence-manifest.ts';
export type { EvidenceManifest } from './evidence-part.ts';
export type { ParsedReport } from './parsed-report.ts';
export { findingKey, parseReport, severities } from './report.ts';
export { toSarifFile, type SarifOptions } from './sarif.ts';
export type { SbomSubject } from './sbom-subject.ts';
export { scanImage, type ScanOptions } from './scan-image.ts';
export { toScanPredicate } from './scan-predicate.ts';
export type { PlatformScan, ScanRun } from './scan-run.ts';
export { readUserReports, type UserReportOptions } from './user-reports.ts';
export { toVulnerabilityPredicate, type VulnerabilityPredicate, type VulnerabilityResult } from './vulnerability-predicate.ts';
