/** Key agreement (MKA) in `show`: what `ip macsec show` cannot know of. Every line is one of the block `l2vpnd:`. */
import type {
  AgreementSnapshot,
  MkaPeerSnapshot,
  ParticipantSnapshot,
  SakSnapshot,
} from '../api/agreement.ts';

/** The JSON object; counters only with `statistics`. */
export function mkaJson(agreement: AgreementSnapshot, statistics: boolean): object {
  const { mkpdus_in, mkpdus_out, refused, saks_made, saks_received, participants, ...state } = agreement;
  const counters = { mkpdus_in, mkpdus_out, refused, saks_made, saks_received };
  return { ...state, ...(statistics ? counters : {}), participants };
}

/** Lines without their indent. */
export function mkaLines(agreement: AgreementSnapshot, statistics: boolean): string[] {
  const { role, ckn, key_server_sci, trouble, participants } = agreement;
  return [
    `mka: ${ROLE_TEXTS[role]}${key_server_sci === null ? '' : `, key server ${key_server_sci}`}, CKN ${ckn}`,
    ...trouble.map((text) => `mka: ${text}`),
    ...keyLines(agreement),
    ...participants.flatMap((one) => participantLines(one, participants.length > 1)),
    ...(statistics ? counterLines(agreement) : []),
  ];
}

const ROLE_TEXTS = {
  'key server': 'this end is key server',
  member: 'this end is member',
  alone: 'no peer is live',
  undecided: 'nobody offers itself as key server',
};

function keyLines({ latest, old, next_rekey_seconds }: AgreementSnapshot): string[] {
  if (latest === null) return ['    no key is agreed on'];
  const next = next_rekey_seconds === null ? '' : `, the next in ${Math.ceil(next_rekey_seconds)} s`;
  return [`    key ${keyText(latest)}${next}`, ...(old === null ? [] : [`    before key ${keyText(old)}`])];
}

function keyText({ ki, an, age_seconds, receives, transmits }: SakSnapshot): string {
  const uses = [receives ? 'receives' : '', transmits ? 'transmits' : ''].filter((use) => use !== '');
  return `${ki}, AN ${an}, ${Math.floor(age_seconds)} s old, ${uses.join(' and ') || 'not in use yet'}`;
}

function participantLines(one: ParticipantSnapshot, isNamed: boolean): string[] {
  const name = isNamed ? `    CAK ${one.ckn}${one.in_charge ? ', in charge' : ''}: ` : '    ';
  return [
    `${name}MI ${one.mi}, MN ${one.mn}`,
    ...one.live.map((peer) => `    live peer ${peerText(peer)}`),
    ...one.potential.map((peer) => `    potential peer ${peerText(peer)}`),
  ];
}

function peerText({ sci, mi, mn, priority, key_server, age_seconds }: MkaPeerSnapshot): string {
  const offer = key_server ? ', offers itself as key server' : '';
  return `${sci}, MI ${mi}, MN ${mn}, priority ${priority}${offer}, heard ${age_seconds} s ago`;
}

function counterLines({
  mkpdus_in,
  mkpdus_out,
  refused,
  saks_made,
  saks_received,
}: AgreementSnapshot): string[] {
  const reasons = Object.entries(refused).map(([reason, count]) => `${reason} ${count}`);
  return [
    `    MKPDUs: ${mkpdus_in} in, ${mkpdus_out} out; SAKs: ${saks_made} made, ${saks_received} received`,
    `    refused: ${reasons.join(', ') || 'nothing'}`,
  ];
}
