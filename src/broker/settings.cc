#include "broker/settings.h"

#include <random>

#include "base/siphash.h"
#include "broker/core/presence.h"

namespace holdfast::broker {
namespace {

std::uint64_t random_word() {
  static std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

std::chrono::seconds seconds(config::Duration duration) {
  return std::chrono::duration_cast<std::chrono::seconds>(duration);
}

WhenFull when_full(config::WhenFull from) {
  switch (from) {
    case config::WhenFull::drop_oldest: return WhenFull::drop_oldest;
    case config::WhenFull::drop_newest: return WhenFull::drop_newest;
    case config::WhenFull::disconnect: break;
  }
  return WhenFull::disconnect;
}

ShareStrategy strategy(config::SharedStrategy from) {
  switch (from) {
    case config::SharedStrategy::round_robin: return ShareStrategy::round_robin;
    case config::SharedStrategy::random: return ShareStrategy::random;
    case config::SharedStrategy::sticky: return ShareStrategy::sticky;
    case config::SharedStrategy::hash_client: return ShareStrategy::hash_client;
    case config::SharedStrategy::hash_topic: return ShareStrategy::hash_topic;
    case config::SharedStrategy::least_inflight: break;
  }
  return ShareStrategy::least_inflight;
}

Rewrite rewrite(const config::Rewrite& from) {
  const Rewrite::Of action = from.action == config::RewriteOf::publish     ? Rewrite::Of::publish
                             : from.action == config::RewriteOf::subscribe ? Rewrite::Of::subscribe
                                                                           : Rewrite::Of::all;
  return {action, from.from, from.to};
}

RetainHandling handling(config::WhichRetained from) {
  switch (from) {
    case config::WhichRetained::always: return RetainHandling::send;
    case config::WhichRetained::if_new: return RetainHandling::send_if_new;
    case config::WhichRetained::never: break;
  }
  return RetainHandling::do_not_send;
}

}  // namespace

ShardSettings shard_settings(const config::Broker& broker, unsigned workers, std::string node_name) {
  ShardSettings settings;
  settings.shards = workers;
  settings.node_name = std::move(node_name);
  settings.epoch = static_cast<std::uint32_t>(random_word());
  settings.hash_key = base::random_sip_key();
  settings.random_seed = random_word();
  settings.queue.queue_length_max = broker.queue.max_length;
  settings.queue.queue_bytes_max = broker.queue.max_bytes.count;
  settings.queue.store_qos0 = broker.queue.store_qos0;
  settings.queue.when_full = when_full(broker.queue.when_full);
  settings.retained.messages_max = broker.retained.max_messages;
  settings.retained.bytes_max = broker.retained.max_bytes.count;
  settings.retained_payload_max = broker.retained.max_payload.count;
  settings.retained_expiry = seconds(broker.retained.expiry);
  settings.delayed_max = broker.delayed.max_messages;
  settings.delayed_bytes_max = broker.delayed.max_bytes.count;
  settings.delayed_longest = seconds(broker.delayed.max_delay);
  for (const config::Rewrite& each : broker.rewrite) settings.rewrites.push_back(rewrite(each));
  for (const config::AutoSubscribe& each : broker.auto_subscribe) {
    settings.auto_subscriptions.push_back({each.filter,
                                           {.qos = static_cast<Qos>(each.qos),
                                            .no_local = each.no_local,
                                            .retain_as_published = each.retain_as_published,
                                            .retain_handling = handling(each.retain_handling),
                                            .identifier = 0}});
  }
  settings.share_strategy = strategy(broker.shared_strategy);
  if (broker.presence_events) settings.hooks.push_back(presence(settings.node_name));
  return settings;
}

}  // namespace holdfast::broker
