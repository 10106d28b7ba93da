// apps/holdfast/client/top_frame.h: one picture of `top`, in as many lines and columns as there are.
//
// Thread: pure.
#pragma once

#include <string>
#include <vector>

#include "client/table.h"
#include "client/top_data.h"

namespace holdfast::app {

enum class Section : std::uint8_t { listeners, pools, servers };

// What the user has chosen.
struct View {
  Sort sort = Sort::connections;
  Section focus = Section::servers;  // the one that has most of the room, and scrolls
  std::size_t offset = 0;            // the first row of it that is shown; made smaller where there are not so many
  bool paused = false;
  bool help = true;  // the last line names the keys
};

struct Size {
  std::size_t columns = 80;
  std::size_t rows = 24;
};

// At most `size.rows` lines, none wider than `size.columns`. `trouble` takes the place of the alarms when not empty:
// why there is nothing newer. Sets view.offset to what could be shown.
[[nodiscard]] std::vector<std::string> make_frame(const TopData& data, View& view, Size size, Paint paint,
                                                  const std::string& trouble);

}  // namespace holdfast::app
