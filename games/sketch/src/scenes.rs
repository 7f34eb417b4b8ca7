//! The built-in scenes: two series each that fit together and tell little about one another.
//!
//! The page has them too, for it plays finished matches again. Which of them is on, a running match tells nobody.

use crate::series::Scene;

/// How many there are.
pub const BUILT_IN: u32 = 42;

/// The built-in scene of this number.
pub(crate) fn built_in(number: u32) -> Scene {
    let (title, first, second) = SCENES[(number % BUILT_IN) as usize];
    let own = |series: [&str; 4]| series.map(str::to_owned).to_vec();
    Scene { title: title.to_owned(), first: own(first), second: own(second) }
}

type Told = (&'static str, [&'static str; 4], [&'static str; 4]);

const SCENES: [Told; BUILT_IN as usize] = [
    (
        "A cat fishes on the moon",
        [
            "A big round moon in the lower half",
            "A cat sitting on top of what is round",
            "Whiskers and a very patient face",
            "A bucket with one sad boot in it",
        ],
        [
            "Stars all over the upper half",
            "A long fishing rod from the middle to the right",
            "A fish shaped like a star, on the right",
            "A tiny rocket passing far away",
        ],
    ),
    (
        "The lighthouse keeper's laundry",
        [
            "A tall tower on the right",
            "A light at its very top, beams to both sides",
            "A round door at the bottom of the tower",
            "A gull asleep on the roof",
        ],
        [
            "Waves along the whole bottom",
            "A rope from the left edge to the middle right",
            "Socks, pants and one huge shirt on a rope",
            "A crab that holds a clothes peg",
        ],
    ),
    (
        "The elephant's bath",
        [
            "A bathtub with feet, in the middle",
            "Water that runs over its rim",
            "A rubber duck at the left end",
            "A puddle on the floor",
        ],
        [
            "A large grey animal that shows from above the middle",
            "A trunk that sprays to the right",
            "Big ears, and soap foam on top of a head",
            "A towel on a hook, far right",
        ],
    ),
    (
        "A snowman on holiday",
        [
            "A yellow beach along the bottom",
            "A palm tree on the left",
            "A deck chair in the middle",
            "A small puddle under what sits there",
        ],
        [
            "A blue sea behind, with a low horizon",
            "Three white balls, one on the other, in the middle",
            "Sunglasses, and a carrot where it belongs",
            "A huge sun on the right, sweating",
        ],
    ),
    (
        "The dragon blows out the candles",
        [
            "A cake with three layers, bottom right",
            "Five candles on top of it",
            "A table under everything on the right",
            "Balloons in the upper right corner",
        ],
        [
            "A green dragon on the left, sitting up",
            "Tiny wings and a paper hat on the left",
            "A cloud of breath from left to right",
            "Presents piled up, bottom left",
        ],
    ),
    (
        "Rush hour of the snails",
        [
            "A road from left to right across the middle",
            "Two snails, one behind the other, on the left",
            "A traffic light on the far right, red",
            "A snail that looks at its watch",
        ],
        [
            "Hills behind, in the upper half",
            "A snail with a flag, in the right half",
            "A very small policeman in the middle",
            "A slow cloud shaped like a shell",
        ],
    ),
    (
        "The whale takes the underground",
        [
            "A long train across the middle",
            "Windows all along it",
            "A tail that comes out at the left end",
            "A sign with an arrow, upper left",
        ],
        [
            "A tunnel arch around everything",
            "A big smiling mouth at the right end",
            "A fountain of water up to the ceiling, right",
            "A ticket machine, bottom right",
        ],
    ),
    (
        "The pirates find a supermarket",
        [
            "An island with a single palm, left",
            "A ship's mast and black flag, far left",
            "A dotted path from left to right",
            "A parrot that pushes a trolley",
        ],
        [
            "A flat building with a big door, right",
            "A red cross on the ground before it",
            "Shelves seen through the window, right",
            "A basket full of gold and bananas",
        ],
    ),
    (
        "Breakfast of a giant",
        [
            "A round plate that fills the middle",
            "A fried egg in the middle",
            "A fork as tall as the picture, left",
            "Tiny people with umbrellas near the top",
        ],
        [
            "A cup with steam, upper right",
            "Two strips of bacon below the middle",
            "A knife as tall as the picture, right",
            "A ladder that leans against the cup",
        ],
    ),
    (
        "The goldfish drives a car",
        [
            "A small car with two wheels, in the middle",
            "A road below, with dashes",
            "Smoke and a suitcase on the roof rack, left",
            "A snail overtaking on the left",
        ],
        [
            "A glass bowl of water where a driver would sit",
            "An orange fish with a cap in there",
            "A big mountain at the right",
            "A road sign on the right: FISH ONLY",
        ],
    ),
    (
        "A picnic with ants",
        [
            "A checked cloth across the bottom",
            "A cake in the middle, half lifted up",
            "A tree on the left",
            "A kite stuck high on the left",
        ],
        [
            "A row of ants under what is in the middle",
            "An ant with a whistle, giving orders, right",
            "A hill with a little door, far right",
            "A bottle and two glasses, lower right",
        ],
    ),
    (
        "The moon's birthday",
        [
            "A big round face in the upper middle",
            "A pointed hat on top of it",
            "Closed happy eyes",
            "A garland from the top left to the top right",
        ],
        [
            "Roofs and chimneys along the bottom",
            "A cat on a roof with a present",
            "Fireworks on both sides",
            "A ladder from the roofs to the middle",
        ],
    ),
    (
        "The octopus plays in a band",
        [
            "A round head in the middle",
            "Eight arms that go everywhere",
            "Eyes closed with joy",
            "A little bow tie in the middle",
        ],
        [
            "A drum on the lower left",
            "A guitar on the right",
            "A trumpet high on the left",
            "Notes flying along the top",
        ],
    ),
    (
        "A house on chicken legs moves out",
        [
            "A wooden house in the upper middle",
            "A crooked chimney with smoke",
            "A face in the window",
            "A cat that looks down from the roof",
        ],
        [
            "Two long bird's legs below the middle",
            "A winding path to the right",
            "A suitcase carried on the left",
            "A signpost on the right with three arms",
        ],
    ),
    (
        "The robot's garden",
        [
            "A square robot on the left",
            "A watering can in its hand",
            "An antenna with a butterfly on it",
            "A straw hat on top of it all",
        ],
        [
            "A row of pots along the bottom right",
            "Flowers that are light bulbs",
            "A scarecrow made of spoons, far right",
            "A sun with gears around it, upper right",
        ],
    ),
    (
        "The bear's umbrella stand",
        [
            "Rain from the whole top",
            "A wooden stall on the right",
            "A roof with stripes over it",
            "A row of wet birds on the roof",
        ],
        [
            "A big brown bear behind a counter, right",
            "Umbrellas in all colours around the middle",
            "A queue of frogs from the left",
            "A frog that needs none, dancing in a puddle",
        ],
    ),
    (
        "Skiing down a sundae",
        [
            "A tall glass in the middle, wide at the top",
            "Three scoops piled in it",
            "A cherry at the very top",
            "A long spoon that leans on the right",
        ],
        [
            "A skier on the way down, in the middle",
            "Zigzag tracks from the top to the left",
            "A lift with one chair, on the left",
            "A penguin with a number on its chest, below",
        ],
    ),
    (
        "The knight is afraid of the mouse",
        [
            "A castle tower on the right",
            "A knight on a stool, in the middle",
            "Shaking knees and a dropped sword",
            "A king who laughs in a window, right",
        ],
        [
            "A tiny mouse on the lower left",
            "A piece of cheese beside it, with holes",
            "A flag on the upper right",
            "A horse that hides behind a bush, left",
        ],
    ),
    (
        "A train through the clouds",
        [
            "Clouds across the lower half",
            "Rails on top of clouds, left to right",
            "A bridge made of a rainbow, right",
            "A cloud with a station clock",
        ],
        [
            "A steam engine in the middle",
            "Two wagons behind it, to the left",
            "Smoke shaped like a heart",
            "A bird that waves a green flag, far right",
        ],
    ),
    (
        "The vampire at the dentist",
        [
            "A chair that leans back, in the middle",
            "A lamp on a long arm from above",
            "A glass of red juice on a tray, right",
            "A certificate on the wall, upper right",
        ],
        [
            "A pale patient with a cape, lying in the middle",
            "Two very long teeth",
            "A bat hanging from the ceiling, left",
            "A dentist with garlic round the neck, left",
        ],
    ),
    (
        "The sheep count people",
        [
            "A wide bed along the bottom",
            "A sheep with a night cap in it",
            "A moon in the window, upper left",
            "A clock that shows three",
        ],
        [
            "A fence in the upper right",
            "A man who jumps over something, upper right",
            "Two more people waiting in line, far right",
            "A thought bubble around all of that",
        ],
    ),
    (
        "The volcano makes popcorn",
        [
            "A mountain in the middle with an open top",
            "Red streams down both sides",
            "Palm trees at its foot, left",
            "A dinosaur with a paper bag, left",
        ],
        [
            "White puffs flying out of the top",
            "A dinosaur with its mouth open, right",
            "A drive-in screen, far right",
            "Salt shaker hanging from a cloud",
        ],
    ),
    (
        "The spider knits",
        [
            "Branches from both upper corners",
            "A web between them in the middle",
            "A fly with a scarf, far left",
            "A basket full of wool, bottom left",
        ],
        [
            "A round spider in the middle with glasses",
            "Two needles in its hands",
            "A very long sock hanging down to the bottom",
            "Eight shoes in a row, bottom right",
        ],
    ),
    (
        "Concert on the pond",
        [
            "A pond in the lower half, with reeds on the left",
            "Three leaves on the water",
            "A frog with a violin on the left",
            "Fireflies as stage lights, along the top",
        ],
        [
            "A duck with a baton in the middle",
            "A frog with a bass on the right",
            "Fish that look out of the water and clap",
            "A moon mirrored in the pond",
        ],
    ),
    (
        "The ghost does not want to haunt",
        [
            "A crooked house on the left",
            "A white ghost before its door",
            "A book and a cup of tea in its hands",
            "A broken weathercock on the roof",
        ],
        [
            "A gate and a bare tree on the right",
            "Three children with a lantern, right",
            "Bats that carry a sign: BOO?",
            "A full moon behind a cloud",
        ],
    ),
    (
        "A giraffe in the lift",
        [
            "A tall building on the left with many windows",
            "A lift shaft in the middle, top to bottom",
            "A small cabin at the bottom of the shaft",
            "A sign: 1 PERSON",
        ],
        [
            "A spotted neck that comes out at the top of the middle",
            "A head with a hat, near the top",
            "A pilot who looks surprised, upper right",
            "A queue of three patient rabbits, bottom right",
        ],
    ),
    (
        "The dog walks the man",
        [
            "A park path along the bottom",
            "A big dog on two legs, on the left",
            "A leash from the left to the middle",
            "A bin with bones, far left",
        ],
        [
            "A man on all fours in the middle",
            "A lamp post on the right",
            "A cat that takes a photo, right",
            "Sun, and a cloud in the shape of a bone",
        ],
    ),
    (
        "The submarine in the soup",
        [
            "A deep bowl across the bottom",
            "Soup in it with rings on the surface",
            "Letters floating: H E L P",
            "Steam that rises in the middle",
        ],
        [
            "A yellow submarine in the middle",
            "A periscope that looks around",
            "A spoon coming down from the upper right",
            "A chef's hat in the upper left corner",
        ],
    ),
    (
        "A wizard's bad hair day",
        [
            "A wizard on the left, from the waist up",
            "A pointed hat flying off",
            "A wand with sparks, towards the middle",
            "A cauldron boiling over, bottom left",
        ],
        [
            "A big mirror on the right",
            "Hair in the mirror, in all colours and directions",
            "An owl that covers its eyes, upper right",
            "A comb with missing teeth, lower right",
        ],
    ),
    (
        "Penguins build a snow hotel",
        [
            "A building of white blocks, right",
            "Windows with curtains, right",
            "A reception bell on a block, middle",
            "A flag with a fish on the roof",
        ],
        [
            "A penguin with a trowel, left of the middle",
            "A crane on the far left that lifts a block",
            "Penguins with suitcases along the bottom",
            "Northern lights in the sky",
        ],
    ),
    (
        "The scarecrow makes friends",
        [
            "A field with rows, in the lower half",
            "A scarecrow in the middle with arms out",
            "A patched coat and straw hands",
            "A pumpkin at its feet, smiling",
        ],
        [
            "Crows that sit along both arms",
            "A crow that serves tea on the left",
            "A barn on the far right",
            "A banner across the top: PARTY",
        ],
    ),
    (
        "The astronaut waters a cactus",
        [
            "A planet's ground along the bottom, with craters",
            "A cactus in the middle, with a flower",
            "A fence of spoons around the middle",
            "A sign: DO NOT HUG",
        ],
        [
            "An astronaut on the left",
            "Drops that float away in all directions",
            "A rocket leaning on the right",
            "A ringed planet in the upper right",
        ],
    ),
    (
        "The tortoise wins again",
        [
            "A race track across the lower half",
            "A finish line with a banner, right",
            "A crowd of worms along the track",
            "A medal as big as a wheel, upper left",
        ],
        [
            "A tortoise with a helmet, near the right",
            "Flames from under its shell, to the left",
            "A hare asleep far left",
            "A referee with a flag, upper right",
        ],
    ),
    (
        "The tree house hotel",
        [
            "A huge tree in the middle",
            "Branches to the left and right",
            "A squirrel bellboy at the foot",
            "A swing on the left",
        ],
        [
            "A house on the upper right branch",
            "A house on the upper left branch",
            "A rope lift in the middle, with suitcases",
            "A hammock between trunk and the right edge",
        ],
    ),
    (
        "The mermaid rides the bus",
        [
            "A bus in the middle, seen from the side",
            "Wheels, and a driver with a beard",
            "A bus stop on the left",
            "An old lady with a fishing net, left",
        ],
        [
            "Water up to the windows in there",
            "A tail that hangs out at the back, right",
            "Bubbles that rise from the roof",
            "A seagull on the roof with a ticket",
        ],
    ),
    (
        "The yeti opens a bakery",
        [
            "A cave in a snowy mountain, right",
            "An oven with a fire, inside on the right",
            "Smoke from a chimney on the peak",
            "A bell over the entrance",
        ],
        [
            "A white shaggy giant with an apron, middle",
            "A tray of rolls in its hands",
            "Footprints from the left, very large",
            "A climber with a shopping list, left",
        ],
    ),
    (
        "Chess against a pigeon",
        [
            "A table with a chess board in the middle",
            "A king and a knight that lie on their side",
            "A clock with two faces, beside the board",
            "A park bench on the left",
        ],
        [
            "A pigeon that stands on the middle of it all",
            "A thinker with a hand on the chin, left",
            "Bread crumbs on the right",
            "Pigeons in the audience along the top",
        ],
    ),
    (
        "The orchestra of kitchen things",
        [
            "A stage with a curtain on both sides",
            "Pots with sticks, lower left",
            "A ladle that conducts, in the middle",
            "A tomato flying in from the left",
        ],
        [
            "A grater played like a violin, right",
            "A kettle that whistles, upper right",
            "A row of eggs as audience, along the bottom",
            "One egg that has fainted",
        ],
    ),
    (
        "The unicorn at the garage",
        [
            "A garage with an open door, right",
            "A tool wall inside, right",
            "A mechanic under what stands in the middle",
            "An oil puddle in rainbow colours",
        ],
        [
            "A unicorn on a lifting ramp, middle",
            "A horn that is bent like a spring",
            "A spare horn leaning on the left",
            "A queue: a flying carpet and a broom, left",
        ],
    ),
    (
        "The island is a turtle",
        [
            "Sea all around, with low waves",
            "A round island in the middle",
            "A hut and two palms on it",
            "A man who hammers in a sign: MINE",
        ],
        [
            "A head that rises on the right",
            "Flippers below the water line, both sides",
            "A raised eyebrow on the right",
            "A ship that turns round in a hurry, far left",
        ],
    ),
    (
        "The night the stars fell asleep",
        [
            "A dark hill along the bottom",
            "Stars lying in little beds on it",
            "A blanket with patches, in the middle",
            "A teddy bear with five points",
        ],
        [
            "An empty sky with a few hooks",
            "The moon reading a book aloud, upper right",
            "A lamp on a cloud, upper left",
            "An owl that tiptoes, lower right",
        ],
    ),
    (
        "The plumber and the kraken",
        [
            "A bathroom sink in the middle",
            "A pipe below it, bent twice",
            "A plumber who looks from the left",
            "A bag of tools, bottom left",
        ],
        [
            "Tentacles that come out of the middle",
            "One of them holds a toothbrush, right",
            "One of them hands over a spanner, left",
            "A mirror above, with one big eye in it",
        ],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::MAX_PROMPT_CHARS;

    #[test]
    fn every_scene_is_one_that_would_be_taken_from_outside() {
        let mut titles: Vec<String> = (0..BUILT_IN).map(|number| built_in(number).title).collect();
        for number in 0..BUILT_IN {
            let scene = built_in(number);
            let answer = serde_json::json!({ "player1": scene.first, "player2": scene.second }).to_string();
            let taken = Scene::from_answer(&answer).unwrap();
            assert_eq!((taken.first, taken.second), (scene.first.clone(), scene.second.clone()), "{}", scene.title);
            assert!(scene.first.iter().chain(&scene.second).all(|prompt| prompt.len() <= MAX_PROMPT_CHARS));
        }
        titles.sort();
        titles.dedup();
        assert_eq!(titles.len() as u32, BUILT_IN);
    }
}
