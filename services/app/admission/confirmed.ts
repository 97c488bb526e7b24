import type { JoinRequest } from '../../core/admission/joinRequest.ts';
import { disagreementOf, type Measured, scoreOf } from '../../core/admission/measured.ts';
import { outcomeRecord } from '../../core/admission/outcomeRecord.ts';
import { sealedReport } from '../../core/admission/report.ts';
import { canonicalText } from '../../core/canonicalJson.ts';
import { NotariumError } from '../../core/errors.ts';
import type { AdmissionRules } from '../../core/governance/proposalContent.ts';
import { recordIdBytes } from '../../core/record.ts';
import type { AdmissionParts } from './AdmissionParts.ts';
import { invalid } from './checkRequest.ts';

/** How long a record of another centre may be on its way here. */
const gossipMs = 5_000;
const lookMs = 100;

type Parts = Pick<AdmissionParts, 'chain' | 'store' | 'crypto' | 'clock' | 'notices'> & {
  readonly admissionSettings: Pick<AdmissionParts['admissionSettings'], 'attestationSeconds'>;
};

/**
 * Checks the report that another authenticator has attested and this one is to attest too: it is about this candidate and these
 * rules, and its authenticator has really made it, since its record is in the log.
 * @throws NotariumError `join-invalid` with data.field; the codes of the chain.
 */
export async function checkConfirmed(parts: Parts, request: JoinRequest, rules: AdmissionRules): Promise<void> {
  const { confirms } = request;
  if (!confirms) return;
  const { report, expiry } = confirms;
  if (request.purpose !== 'join') throw invalid('request.confirms', 'a renewal confirms nothing');
  for (const field of ['network', 'candidate', 'purpose'] as const) {
    if (report[field] !== request[field]) {
      throw invalid(`request.confirms.report.${field}`, 'another one than that of the request');
    }
  }
  if (canonicalText(report.entry) !== canonicalText(request.entry)) {
    throw invalid('request.confirms.report.entry', 'another one than that of the request');
  }
  if (report.manifestHash !== rules.manifestHash) {
    throw invalid('request.confirms.report.manifestHash', 'another one than that of the rules');
  }
  const want = scoreOf(report.measured, rules);
  if (report.score !== want) {
    throw invalid('request.confirms.report.score', 'does not follow from the figures', { have: report.score, want });
  }
  const seconds = parts.notices.chainSeconds();
  const latest = seconds + parts.admissionSettings.attestationSeconds;
  if (expiry <= seconds || expiry > latest) {
    throw invalid('request.confirms.expiry', 'over, or later than this authenticator attests', {
      have: expiry,
      want: latest,
    });
  }
  const { isAuthenticator } = await parts.chain.admission.node(report.authenticator);
  if (report.authenticator === request.authenticator || !isAuthenticator) {
    throw invalid('request.confirms.report.authenticator', 'not another authenticator');
  }
  await requireRecorded(parts, report);
}

/**
 * Checks that two authenticators have seen one machine.
 * @throws NotariumError `profile-contradicts` with data { field, have, want }: the other's figure, and ours.
 */
export function requireAgreement(own: Measured, { confirms }: JoinRequest, rules: AdmissionRules): void {
  const other = confirms?.report.measured;
  if (!other) return;
  const field = disagreementOf(own, other, rules);
  if (field === undefined) return;
  const data = { field, have: other[field], want: own[field] };
  throw new NotariumError('profile-contradicts', `${field}: ${data.have} elsewhere, ${data.want} here`, { data });
}

// Without this, anybody could bring a report along that its authenticator never made, and have a better one attested.
async function requireRecorded(
  { store, crypto, clock }: Parts,
  report: NonNullable<JoinRequest['confirms']>['report'],
): Promise<void> {
  const id = recordIdBytes(outcomeRecord(report, sealedReport(report, crypto).hash), crypto);
  for (let waitedMs = 0; ; waitedMs += lookMs) {
    const found = await store.findRecord(id);
    if (found && found.where !== 'refused') return;
    if (waitedMs >= gossipMs) {
      throw invalid('request.confirms.report', 'its authenticator has put no record of it into the log');
    }
    await clock.sleep(lookMs);
  }
}
