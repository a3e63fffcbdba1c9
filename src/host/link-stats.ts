/** What the kernel counts of a link (RTM_GETSTATS; `struct rtnl_link_stats64` in linux/if_link.h). */
import { askLink, attributesIn, linkStatsRequest, STATS_HEAD_LEN, u64In } from './rtnetlink.ts';

const IFLA_STATS_LINK_64 = 1;
const OFF_TX_DROPPED = 56;

/**
 * Frames that the link `index` could not send; of a TAP those that nobody fetched in time, as its queue was full. Null where
 * there is no such link, or the kernel does not say.
 */
export function txDropped(index: number): number | null {
  try {
    const answer = askLink(linkStatsRequest(index, IFLA_STATS_LINK_64), 'rtnetlink RTM_GETSTATS');
    return u64In(attributesIn(answer.subarray(STATS_HEAD_LEN)).get(IFLA_STATS_LINK_64), OFF_TX_DROPPED);
  } catch {
    return null;
  }
}
