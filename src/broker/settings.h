// broker/settings.h: from the configuration to what the shards of a node know.
#pragma once

#include <string>

#include "broker/core/shard_settings.h"
#include "config/settings.h"

namespace holdfast::broker {

// Draws the keys of the hashes; each start of a node has others.
[[nodiscard]] ShardSettings shard_settings(const config::Broker& broker, unsigned workers, std::string node_name);

}  // namespace holdfast::broker
