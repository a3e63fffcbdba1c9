/** From what a worker is told of a lane to the lane itself, on descriptors that stay the main thread's. */
import type { AeadProvider } from '../crypto/aead.ts';
import { Answers } from '../datapath/answers.ts';
import { Bell } from '../datapath/bells.ts';
import { FlowSpread } from '../datapath/flows.ts';
import { FragmentingPort } from '../datapath/fragmenting-port.ts';
import type { Lane } from '../datapath/lane.ts';
import { LaneMtu } from '../datapath/lane-mtu.ts';
import { ReceiveLane } from '../datapath/receive.ts';
import { StrayEntry } from '../datapath/strays.ts';
import { LONGEST_ANSWER, TooBigAnswer } from '../datapath/too-big.ts';
import { TransmitLane } from '../datapath/transmit.ts';
import { UncontrolledEntry } from '../datapath/uncontrolled.ts';
import type { Workspaces } from '../datapath/workspace.ts';
import type { Wire } from '../encap/encap.ts';
import { attachWire, flowSendersOf } from '../encap/kinds.ts';
import { slots } from '../frame/batch.ts';
import { type LaneCounters, laneCounters } from '../frame/lane-counters.ts';
import { createSecy, MAX_KEY_SLOTS } from '../macsec/configure.ts';
import type { SecY } from '../macsec/secy.ts';
import type { FramePort } from '../ports/frame-port.ts';
import type { SharedUdpPort } from '../ports/shared-udp-port.ts';
import { wrapTap } from '../ports/tap-port.ts';
import type { LaneSpec } from './messages.ts';

/** A lane, and what the worker has to know to serve it. */
export interface BuiltLane {
  readonly spec: LaneSpec;
  readonly lane: Lane;
  readonly secy: SecY | null;
  /** It takes packet numbers, which the main thread grants. */
  readonly takesPns: boolean;
  /** A grant was asked for and has not come yet. */
  asked: boolean;
  readonly uncontrolled: UncontrolledEntry | null;
  readonly strays: StrayEntry | null;
  /** Where it takes datagrams that came elsewhere; null: nowhere. */
  readonly shared: SharedUdpPort | null;
}

/** The lane that `spec` describes. */
export function buildLane(spec: LaneSpec, provider: AeadProvider, workspaces: Workspaces): BuiltLane {
  const counters = laneCounters(spec.counters);
  const secy =
    spec.secy === null ? null : createSecy(spec.secy, provider.openKeyring(MAX_KEY_SLOTS), counters.secy);
  const base = { spec, secy, asked: false };
  if (spec.direction === 'transmit') {
    const lane = transmitLane(spec, secy, counters, workspaces);
    return { ...base, lane, takesPns: secy !== null, uncontrolled: null, strays: null, shared: null };
  }
  const wire = attachWire(spec.encap, spec.wireFd, counters.traffic);
  const uncontrolled = uncontrolledEntry(spec.uncontrolled, wire);
  const strays = strayEntry(spec, wire);
  const lane = receiveLane(spec, wire, secy, counters, workspaces, uncontrolled, strays);
  return { ...base, lane, takesPns: false, uncontrolled, strays, shared: wire.shared };
}

function transmitLane(
  spec: LaneSpec,
  secy: SecY | null,
  counters: LaneCounters,
  workspaces: Workspaces,
): Lane {
  const { port: wire, encap } = attachWire(spec.encap, spec.wireFd, counters.traffic);
  const { mssClamp, maxLen: maxFrameLen } = spec;
  const mtu = new LaneMtu(secy, spec.lowerMtu);
  const flow = flowSendersOf(spec.encap);
  return new TransmitLane({
    tap: new FragmentingPort(tapOf(spec), mtu, workspaces.shelf(slots(maxFrameLen))),
    wire,
    encap,
    secy,
    mtu,
    answers: new Answers([new TooBigAnswer(mtu)], workspaces.shelf(slots(LONGEST_ANSWER))),
    mssClamp,
    inheritsTos: spec.encap.inheritsTos,
    flows: flow === null ? null : new FlowSpread(flow),
    maxFrameLen,
    counters,
    workspaces,
  });
}

function uncontrolledEntry(spec: LaneSpec['uncontrolled'], { senderOf }: Wire): UncontrolledEntry | null {
  return spec === null
    ? null
    : new UncontrolledEntry(spec.ring, {
        etherTypes: spec.etherTypes,
        bell: new Bell(spec.bells, spec.bell),
        senderOf,
      });
}

function strayEntry({ strays }: LaneSpec, { senderOf }: Wire): StrayEntry | null {
  return strays === null || senderOf === null ? null : new StrayEntry(strays, senderOf);
}

function receiveLane(
  spec: LaneSpec,
  { port: wire, encap, learn }: Wire,
  secy: SecY | null,
  counters: LaneCounters,
  workspaces: Workspaces,
  uncontrolled: UncontrolledEntry | null,
  strays: StrayEntry | null,
): Lane {
  const common = {
    tap: tapOf(spec),
    wire,
    encap,
    learn,
    strays,
    secy,
    mtu: new LaneMtu(secy, spec.lowerMtu),
    mssClamp: spec.mssClamp,
    inheritsTos: spec.encap.inheritsTos,
    maxPacketLen: spec.maxLen,
    counters,
    workspaces,
  };
  return new ReceiveLane(uncontrolled === null ? common : { ...common, uncontrolled });
}

function tapOf(spec: LaneSpec): FramePort {
  return wrapTap(spec.tapFd, { clearMtu: spec.secy === null ? spec.lowerMtu : 0 });
}
