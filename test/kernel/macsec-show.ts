/** What `ip -j -s macsec show` prints, as flat counters that two SecYs can be compared by. */

type Counters = Record<string, number>;

interface ShownSa {
  an: number;
  stats?: Counters;
  [key: string]: unknown;
}

export interface ShownSecY {
  ifname: string;
  sci: string;
  stats?: Counters;
  sa_list: ShownSa[];
  rx_sc: { sci: string; stats?: Counters; sa_list: ShownSa[] }[];
  [key: string]: unknown;
}

/** Parses the output and finds the SecY of one device. */
export function parseShow(text: string, ifname: string): ShownSecY {
  const shown = (JSON.parse(text) as ShownSecY[]).find((secy) => secy.ifname === ifname);
  if (shown === undefined) throw new Error(`no SecY of ${ifname} in ${text}`);
  return shown;
}

/**
 * The counters that are not 0, and each SA's next PN: `SecY.InPktsBadTag`, `RxSc.<sci>.InPktsOK`,
 * `RxSa.<sci>.<an>.pn`; the SCI as 16 digits.
 */
export function flatCounters(secy: ShownSecY): Counters {
  const flat: Counters = {};
  add(flat, 'SecY', secy);
  for (const sa of secy.sa_list ?? []) add(flat, `TxSa.${sa.an}`, sa);
  for (const sc of secy.rx_sc ?? []) {
    const sci = sciText(sc.sci);
    add(flat, `RxSc.${sci}`, sc);
    for (const sa of sc.sa_list ?? []) add(flat, `RxSa.${sci}.${sa.an}`, sa);
  }
  return flat;
}

function sciText(sci: string): string {
  return sci.replace(/^0x/, '').padStart(16, '0');
}

/** The PN and every capitalised number of `object` and of the objects in it (the control socket nests them). */
function add(flat: Counters, prefix: string, object: object): void {
  for (const [key, value] of Object.entries(object)) {
    if (typeof value === 'number') {
      if (key === 'pn' || (/^(In|Out)[A-Z]/.test(key) && value !== 0)) flat[`${prefix}.${key}`] = value;
    } else if (key !== 'l2vpnd' && value !== null && typeof value === 'object' && !Array.isArray(value)) {
      add(flat, prefix, value);
    }
  }
}
